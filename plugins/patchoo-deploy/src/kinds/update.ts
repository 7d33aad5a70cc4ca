import type { PolicyRun } from '@d3/sdk';
import type { Parts } from '../parts.ts';
import { releaseEvent } from '../rules/events.ts';
import { turn } from '../rules/update-loop.ts';
import { environmentOf } from './event.ts';
import { done, failed, type Kind, later, NO_ARGS, type StepEnd } from './kind.ts';
import { notNow } from './not-now.ts';
import { restartFor } from './restart.ts';
import { askedOutside, troubleOver } from './trouble.ts';

/**
 * One cycle of the update loop each time it is run: what is pending, then a sync with all of it and the events of updates. It is
 * done when nothing is pending any more, as the plan says, and never by what some policy may have left undone.
 */
export const update: Kind = {
  offer: {
    kind: 'provision-update',
    summary: 'Syncs and runs the events of updates until nothing is pending.',
    schema: NO_ARGS,
    timeout: 86_400,
  },
  async run(parts, { run, index }) {
    const before = await notNow(parts, run);
    if (before !== null) return before;
    return askedOutside(parts, run, 'the depot does not answer', () => cycle(parts, run, index));
  },
};

async function cycle(parts: Parts, run: string, index: number): Promise<StepEnd> {
  const { memory, ports, settings } = parts;
  const { updateMaxCycles: maxCycles, updateStuckCycles: stuckCycles } = settings;
  const before = memory.of(run);
  const pending = await ports.sync.pending();
  troubleOver(parts, run);
  const next = turn(before.loop, pending, { maxCycles, stuckCycles });
  if (next.kind === 'done') return done(`nothing is pending after ${before.loop.cycle} cycles`);
  if (next.kind !== 'cycle') return stuck(parts, run, next.why);
  memory.change(run, () => ({ loop: next.loop }));
  const { restart, failed: problems } = await ports.sync.run(before.by);
  for (const { target, text } of problems) ports.ui({ type: 'note', target, text });
  memory.change(run, ({ loop }) => ({ loop: { ...loop, restarts: [...new Set([...loop.restarts, ...restart])] } }));
  const { groups } = await ports.machine.facts();
  const own = releaseEvent(settings.releaseGroups, groups);
  const waiting: string[] = [];
  for (const word of [...(own === null ? [] : [own]), ...settings.updateEvents]) {
    const ran = await ports.policies.run(word, environmentOf(before.snapshot?.values ?? {}), {
      run,
      index,
      round: next.loop.cycle,
    });
    if (ran.waits === 'restart') waiting.push(word);
    noteOf(parts, run, word, ran);
  }
  // A policy that waits for the restart has more to do after it, in this very cycle.
  const over = { open: waiting.length > 0, restarts: [] };
  const restarts = [...memory.of(run).loop.restarts, ...waiting];
  if (restarts.length > 0)
    return restartFor(parts, run, `${restarts.join(', ')} needs it`, ({ loop }) => ({ loop: { ...loop, ...over } }));
  memory.change(run, ({ loop }) => ({ loop: { ...loop, ...over } }));
  return later(0, `cycle ${next.loop.cycle} of ${maxCycles} at most`);
}

function noteOf({ memory }: Parts, run: string, word: string, { state, text }: PolicyRun): void {
  if (state === 'failed') memory.warn(run, `${word}: ${text}`);
}

function stuck({ memory, settings }: Parts, run: string, why: string): StepEnd {
  if (settings.updateStuck === 'hold') return failed(why);
  memory.warn(run, `it is released, although ${why}`);
  return done(`it goes on, although ${why}`);
}
