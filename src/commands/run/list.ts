import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { runFlags } from '../../cli/flags.ts';
import { runTable, type ShownRun, shownRun } from '../../cli/run-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class RunList extends ClientCommand<ShownRun[], typeof RunList> {
  static override summary = 'List the runs of steps: of policies and whatever else takes more than one step.';
  static override description =
    'Those that are not over, the newest first; with --all also the last hundred that are. Runs of single commands are on record ' +
    'too: d3 explain --run tells what they decided.';
  static override examples = ['<%= config.bin %> run list', '<%= config.bin %> run list --all --of-depot'];
  static override flags = {
    ...runFlags,
    all: Flags.boolean({ summary: 'Also those that are over.' }),
  };

  async execute(context: ContextOf<typeof RunList>): Promise<Outcome<ShownRun[]>> {
    const { withRuns } = await import('../../cli/run-place.ts');
    const runs = await withRuns(context, false, ({ store }) => store.list({ open: !context.flags.all }));
    return { result: runs.map(shownRun) };
  }

  render(runs: ShownRun[], terminal: Terminal): void {
    runTable(runs, terminal);
  }
}
