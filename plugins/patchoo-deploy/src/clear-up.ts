import { bootstrapFiles } from './bootstrap.ts';
import { companionFiles } from './companion.ts';
import { lockFiles } from './lock/files.ts';
import { happens, tellNotices } from './notices.ts';
import type { Parts } from './parts.ts';
import { writeReport } from './report.ts';

/**
 * What a deployment leaves behind: the mark that this enrolment was deployed, and its log. All else goes, each part as often as it takes.
 * It is written down first: what was cut here goes on here, for what goes on with it goes last of all, by {@link disarm}.
 */
export async function clearUp(parts: Parts, run: string, kind: 'released' | 'cancelled'): Promise<void> {
  const { memory, ports } = parts;
  const at = ports.clock.now().toISOString();
  const ended = (await ports.runs.get(run))?.cancel ?? null;
  const { end, enrolment, snapshot, mode } = memory.change(run, (before) => {
    const decision = kind === 'cancelled' ? ended : before.override;
    const news = { event: kind, state: kind, reason: decision?.why ?? '', by: decision?.by ?? null, key: 'end' };
    return {
      end: before.end ?? { kind, at, closing: true },
      hold: null,
      trouble: null,
      ...happens(parts, before, news),
    };
  });
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
  // One that was only patched stays deployed as it was.
  if (mode === 'deploy') await ports.provisioning.stands(decided.kind);
  await tellNotices(parts, run, { last: true });
  await writeReport(parts, run);
  // It stands until it sees that it is over. After a cut it is not there any more: nobody is locked out by what nothing works on.
  await ports.triggers.remove(lockFiles('', process.platform), { dryRun: false, leaveRunning: true });
  await ports.triggers.remove(companionFiles(''), { dryRun: false, leaveRunning: true });
  memory.change(run, () => ({ end: { ...decided, closing: false } }));
}

/**
 * Takes away what goes on with a deployment at every start of the machine, when it is over and its run has ended.
 * @returns whether it was there
 */
export async function disarm({ ports }: Pick<Parts, 'ports'>): Promise<boolean> {
  // What runs this must not be stopped by it: it ends when it has nothing more to do.
  const { files } = await ports.triggers.remove(bootstrapFiles(''), { dryRun: false, leaveRunning: true });
  return files.length > 0;
}
