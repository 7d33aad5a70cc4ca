import { setTimeout as sleep } from 'node:timers/promises';
import type { PluginContext } from '@d3/sdk';
import type { CommandContext } from '@d3/sdk/command';
import { type PuppyResult, puppytime } from './puppytime.ts';
import { restartPending } from './restart.ts';
import { readSettings } from './settings.ts';
import { openShow } from './show/open.ts';
import type { Show, ShowName, ShowSettings } from './show/port.ts';

/** Puts puppytime together for the machine a command works on. */
export async function runHere(context: CommandContext, { reboot }: { reboot: boolean }): Promise<PuppyResult> {
  const ports = await context.ports();
  const { signal } = context;
  const settings = await readSettings(ports.settings);
  return puppytime({
    ports,
    settings,
    openShow: () => openHere(context, ports, settings.show),
    reboot,
    pause: async (milliseconds) => {
      await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    },
  });
}

/** Tells whoever is there what waits, in a window of its own. @returns what waits, and what showed it */
export async function tellHere(context: CommandContext): Promise<{ queue: string[]; show: ShowName | null }> {
  const ports = await context.ports();
  const queue = (await ports.queue.list()).map(({ edition }) => edition);
  if (queue.length === 0) return { queue, show: null };
  const { show: look, notificationText, notificationImage: image, optOutSeconds } = await readSettings(ports.settings);
  const show = await openHere(context, ports, look);
  try {
    const answer = await show.ask({
      heading: look.title,
      text: `${notificationText}\n${queue.join(', ')}`,
      image,
      labels: { continue: 'OK', postpone: null },
      byItself: 'continue',
      countdown: 'This closes by itself in %s.',
      seconds: optOutSeconds,
    });
    return { queue, show: answer === 'unasked' ? 'none' : show.way() };
  } finally {
    await show.close();
  }
}

/** Nobody sits before a root folder: this host's screens are not its own. */
function openHere({ root, canAsk }: CommandContext, { files }: PluginContext, settings: ShowSettings): Promise<Show> {
  const ways = root === '/' ? settings.ways : (settings.ways ?? (['terminal'] as const));
  return openShow({
    settings: { ...settings, ways },
    folder: `${files.folder}/show`,
    terminal: canAsk ? { input: process.stdin, output: process.stderr } : null,
  });
}

/** What a run would be about. */
/** What would be installed, and for what a restart is due already. */
export type Preview = { queue: string[]; restartDue: string[] };

export async function previewHere(context: CommandContext): Promise<Preview> {
  const ports = await context.ports();
  const queue = (await ports.queue.list()).map(({ edition }) => edition);
  return { queue, restartDue: await restartPending(ports, queue) };
}
