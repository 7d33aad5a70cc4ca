import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { runFlags } from '../../cli/flags.ts';
import { runArgument, runsEnded } from '../../cli/run-command.ts';
import { runWords, type ShownRun } from '../../cli/run-text.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class RunWatch extends ClientCommand<ShownRun[], typeof RunWatch> {
  static override summary = 'Follow a run until it is over, holds or waits.';
  static override description =
    'On a terminal a tree of its steps that moves; elsewhere a line for everything that happens; with --json a JSON document on each ' +
    'line, and the envelope at the end. The exit code is that of the run. Watching changes nothing.';
  static override examples = [
    '<%= config.bin %> run watch 20260131T080000Z-0a1b2c3d',
    '<%= config.bin %> run watch 20260131T080000Z-0a1b2c3d --json',
  ];
  static override flags = { ...runFlags };
  static override args = runArgument;

  async execute(context: ContextOf<typeof RunWatch>): Promise<Outcome<ShownRun[]>> {
    const { withRuns } = await import('../../cli/run-place.ts');
    const { watchRun } = await import('../../cli/run-watch.ts');
    const { args, terminal, signal } = context;
    const run = await withRuns(context, false, (place) => watchRun(args.id, place, terminal, signal));
    return runsEnded([run]);
  }

  render(runs: ShownRun[], terminal: Terminal): void {
    terminal.result(runs.map(runWords).join('\n'));
  }
}
