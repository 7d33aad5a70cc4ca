import type { ContextOf } from '../../cli/base.ts';
import { runChangingFlags } from '../../cli/flags.ts';
import { RunDecision, runArgument } from '../../cli/run-command.ts';
import type { RunPlace } from '../../cli/run-place.ts';
import type { Run } from '../../runs/types.ts';

export default class RunRetry extends RunDecision<typeof RunRetry> {
  static override summary = 'Run the step anew at which a run failed or holds, and go on.';
  static override examples = ['<%= config.bin %> run retry 20260131T080000Z-0a1b2c3d'];
  static override flags = { ...runChangingFlags };
  static override args = runArgument;

  protected override async decide({ args }: ContextOf<typeof RunRetry>, place: RunPlace): Promise<Run[]> {
    const { retryStep } = await import('../../runs/decisions.ts');
    await retryStep(args.id, place.by, place.deciding);
    return [await place.advance(args.id)];
  }
}
