import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { runFlags } from '../../cli/flags.ts';
import { runArgument } from '../../cli/run-command.ts';
import type { KeptLine } from '../../runs/types.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class RunLog extends ClientCommand<KeptLine[], typeof RunLog> {
  static override summary = 'Print what a run did and what its steps said, the last 5000 lines.';
  static override examples = ['<%= config.bin %> run log 20260131T080000Z-0a1b2c3d'];
  static override flags = { ...runFlags };
  static override args = runArgument;

  async execute(context: ContextOf<typeof RunLog>): Promise<Outcome<KeptLine[]>> {
    const { withRuns } = await import('../../cli/run-place.ts');
    const { mustGet } = await import('../../runs/saving.ts');
    const { id } = context.args;
    const result = await withRuns(context, false, async ({ store }) => {
      await mustGet(store, id);
      return store.lines(id);
    });
    return { result };
  }

  async render(lines: KeptLine[], terminal: Terminal): Promise<void> {
    const { lineText } = await import('../../cli/run-text.ts');
    terminal.result(lines.map(lineText).join('\n'));
  }
}
