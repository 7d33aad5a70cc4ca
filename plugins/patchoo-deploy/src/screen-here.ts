import path from 'node:path';
import { D3Error, type PluginContext } from '@d3/sdk';
import type { CommandContext } from '@d3/sdk/command';
import { isInstalled, openScreen, type Screen, type Teletype, WAYS, type WayName } from '@d3/show';
import type { Parts } from './parts.ts';

/** The screen of this machine, as a command has it. */

export interface ScreenHere {
  ports: Pick<PluginContext, 'root' | 'files'>;
  /** What may show, as it is set. */
  show: readonly string[];
  teletype: Teletype | null;
  /** At a Mac's login window, or before who is logged in; null: wherever the screen is. */
  at: 'login' | 'session' | null;
}

/** A root folder is nobody's screen: what is done to it covers no window of the host's. @throws D3Error usage */
export function screenHere({ ports, show, teletype, at }: ScreenHere): Promise<Screen> {
  const unknown = show.find((name) => !(WAYS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new D3Error('PROVISION_SHOW', 'usage', `provision.show cannot be used: there is no ${unknown}.`, {
      target: 'provision.show',
      actions: [`these show: ${WAYS.join(', ')}`],
    });
  }
  const set = show.length === 0 ? null : (show as readonly WayName[]);
  return openScreen({
    folder: path.join(ports.files.folder, at === null ? 'screen' : `screen-${at}`),
    ways: ports.root === '/' ? set : ['terminal'],
    teletype,
    only: at === 'session' ? 'user' : at,
  });
}

/**
 * Has what shows best installed where it is not there: by the event that is set. What does not come of it is said, and something else
 * shows.
 * @param isThere whether what that way shows with is there
 */
export async function haveShown(
  { ports, settings }: { ports: Pick<Parts['ports'], 'policies' | 'ui' | 'root'>; settings: ShowSettings },
  isThere: (way: WayName) => boolean = isInstalled,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  const { show, showEvent } = settings;
  const best = (show[0] ?? (platform === 'darwin' ? 'swiftDialog' : 'page')) as WayName;
  // A root folder has no screen: nothing is installed for it.
  if (showEvent === null || ports.root !== '/' || isThere(best)) return;
  const { state, text } = await ports.policies.run(showEvent, {});
  const missing = isThere(best) ? '' : `; ${best} is still not there, and what else can shows`;
  if (state !== 'ran' || missing !== '')
    ports.ui({
      type: 'warning',
      target: null,
      text: `${showEvent} for ${best}: ${state}${text && ` (${text})`}${missing}`,
    });
}

type ShowSettings = Pick<Parts['settings'], 'show' | 'showEvent'>;

/** The terminal a command was started in; null where nobody watches it. @param signal a command that is to end asks no longer */
export function teletypeOf(
  { canAsk, ask, ui }: Pick<CommandContext, 'canAsk' | 'ask' | 'ui'>,
  signal: AbortSignal,
): Teletype | null {
  if (!canAsk) return null;
  const until = <Asked extends { signal?: AbortSignal }>(asked: Asked): Asked => ({
    ...asked,
    signal: AbortSignal.any([signal, ...(asked.signal === undefined ? [] : [asked.signal])]),
  });
  const typist: Teletype['typist'] = {
    text: (asked) => ask.text(until(asked)),
    secret: (asked) => ask.secret(until(asked)),
    choose: (asked) => ask.choose(until(asked)),
  };
  return { typist, say: (text) => ui({ type: 'note', target: null, text }), flag: '--answers' };
}
