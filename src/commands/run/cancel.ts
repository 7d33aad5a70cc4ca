import type { ContextOf } from '../../cli/base.ts';
import { reasonFlag, runChangingFlags } from '../../cli/flags.ts';
import { RunDecision, runArgument } from '../../cli/run-command.ts';
import type { RunPlace } from '../../cli/run-place.ts';
import type { Run } from '../../runs/types.ts';

export default class RunCancel extends RunDecision<typeof RunCancel> {
  static override summary = 'End a run for good; who and why is kept.';
  static override description =
    'A run that nobody advances is over at once. Whoever advances one sees it within a second or two, ends the step and stops; what ' +
    'the step did so far stays.';
  static override examples = ["<%= config.bin %> run cancel 20260131T080000Z-0a1b2c3d --reason 'wrong room'"];
  static override flags = { ...runChangingFlags, ...reasonFlag };
  static override args = runArgument;

  protected override readonly ends = true;

  protected override async decide({ args, flags }: ContextOf<typeof RunCancel>, place: RunPlace): Promise<Run[]> {
    const { cancelRun } = await import('../../runs/decisions.ts');
    return [await cancelRun(args.id, { by: place.by, why: flags.reason }, place.deciding)];
  }
}
