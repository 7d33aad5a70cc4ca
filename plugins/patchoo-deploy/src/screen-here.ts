import path from 'node:path';
import { D3Error, type PluginContext } from '@d3/sdk';
import type { CommandContext } from '@d3/sdk/command';
import { openScreen, type Screen, type Teletype, WAYS, type WayName } from '@d3/show';

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

/** The terminal a command was started in; null where nobody watches it. */
export function teletypeOf({ canAsk, ask, ui }: Pick<CommandContext, 'canAsk' | 'ask' | 'ui'>): Teletype | null {
  if (!canAsk) return null;
  return { typist: ask, say: (text) => ui({ type: 'note', target: null, text }), flag: '--answers' };
}
