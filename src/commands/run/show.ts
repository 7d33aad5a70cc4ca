import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { runFlags } from '../../cli/flags.ts';
import { runArgument } from '../../cli/run-command.ts';
import { type ShownRun, shownRun, showRun } from '../../cli/run-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class RunShow extends ClientCommand<ShownRun, typeof RunShow> {
  static override summary = 'Show a run: its steps, how far they have come, and why it holds or failed.';
  static override examples = ['<%= config.bin %> run show 20260131T080000Z-0a1b2c3d'];
  static override flags = { ...runFlags };
  static override args = runArgument;

  async execute(context: ContextOf<typeof RunShow>): Promise<Outcome<ShownRun>> {
    const { withRuns } = await import('../../cli/run-place.ts');
    const { mustGet } = await import('../../runs/saving.ts');
    const run = await withRuns(context, false, ({ store }) => mustGet(store, context.args.id));
    return { result: shownRun(run) };
  }

  render(run: ShownRun, terminal: Terminal): void {
    showRun(run, terminal);
  }
}
