import type { ContextOf } from '../../cli/base.ts';
import { reasonFlag, runChangingFlags } from '../../cli/flags.ts';
import { RunDecision, runArgument } from '../../cli/run-command.ts';
import type { RunPlace } from '../../cli/run-place.ts';
import type { Run } from '../../runs/types.ts';

export default class RunSkip extends RunDecision<typeof RunSkip> {
  static override summary = 'Leave out the step whose turn it is, and go on; who and why is kept.';
  static override examples = ["<%= config.bin %> run skip 20260131T080000Z-0a1b2c3d --reason 'printed by hand'"];
  static override flags = { ...runChangingFlags, ...reasonFlag };
  static override args = runArgument;

  protected override async decide({ args, flags }: ContextOf<typeof RunSkip>, place: RunPlace): Promise<Run[]> {
    const { skipStep } = await import('../../runs/decisions.ts');
    await skipStep(args.id, { by: place.by, why: flags.reason }, place.deciding);
    return [await place.advance(args.id)];
  }
}
