import { bootstrapFiles } from './bootstrap.ts';
import { companionFiles } from './companion.ts';
import { lockFiles } from './lock/files.ts';
import type { Parts } from './parts.ts';

/**
 * What a deployment leaves behind: the mark that this enrolment was deployed, and its log. All else goes, each part as often as it takes.
 * It is written down first: what was cut here goes on here.
 */
export async function clearUp({ memory, ports }: Parts, run: string, kind: 'released' | 'cancelled'): Promise<void> {
  const at = ports.clock.now().toISOString();
  const { end, enrolment, snapshot } = memory.change(run, ({ end: before }) => ({
    end: before ?? { kind, at, closing: true },
    hold: null,
    trouble: null,
  }));
  const decided = end as NonNullable<typeof end>;
  // A machine that was never heard of has no id when its deployment begins; it has one by now.
  const now = (await ports.machine.facts()).computer ?? enrolment;
  if (decided.kind === 'released')
    memory.setReleased({
      schema: 'd3/released@1',
      enrolment: now,
      run,
      at: decided.at,
      values: snapshot?.values ?? {},
    });
  await ports.machine.report();
  // What runs this must not be stopped by it: it ends when it has nothing more to do.
  await ports.triggers.remove(bootstrapFiles(''), { dryRun: false, leaveRunning: true });
  await ports.triggers.remove(companionFiles(''), { dryRun: false, leaveRunning: true });
  // The lock opens by itself when it sees that it is over.
  await ports.triggers.remove(lockFiles('', process.platform), { dryRun: false, leaveRunning: true });
  memory.change(run, () => ({ end: { ...decided, closing: false } }));
}
