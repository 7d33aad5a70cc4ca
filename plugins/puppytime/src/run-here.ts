import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandContext } from '@d3/sdk/command';
import { type PuppyResult, puppytime } from './puppytime.ts';
import { restartPending } from './restart.ts';
import { readSettings } from './settings.ts';
import { openShow } from './show/open.ts';

/** Puts puppytime together for the machine a command works on. */
export async function runHere(context: CommandContext, { reboot }: { reboot: boolean }): Promise<PuppyResult> {
  const ports = await context.ports();
  const { signal, canAsk, root } = context;
  const settings = await readSettings(ports.settings);
  // Nobody sits before a root folder: this host's screens are not its own.
  const show = root === '/' ? settings.show : { ...settings.show, ways: settings.show.ways ?? (['terminal'] as const) };
  return puppytime({
    ports,
    settings,
    openShow: () =>
      openShow({
        settings: show,
        folder: `${ports.files.folder}/show`,
        terminal: canAsk ? { input: process.stdin, output: process.stderr } : null,
      }),
    reboot,
    pause: async (milliseconds) => {
      await sleep(milliseconds, undefined, { signal }).catch(() => signal.throwIfAborted());
    },
  });
}

/** What a run would be about. */
export async function previewHere(context: CommandContext): Promise<{ queue: string[]; restartDue: string[] }> {
  const ports = await context.ports();
  const queue = (await ports.queue.list()).map(({ edition }) => edition);
  return { queue, restartDue: await restartPending(ports, queue) };
}
