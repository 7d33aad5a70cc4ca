import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome, targets } from '../cli/base.ts';
import { explainedText } from '../cli/explain-text.ts';
import type { Explained, Explainer } from '../client/explain.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Explanations {
  how: Explainer['how'];
  /** The run that is explained; null when it is a sync now. */
  run: Explainer['run'];
  machine: string;
  explanations: Explained[];
}

export default class Explain extends ClientCommand<Explanations, typeof Explain> {
  static override summary = 'Say why a package is or is not installed, updated or removed here.';
  static override description =
    'Plans a sync from what is so now and shows everything that was looked at, with what comes of it; nothing is locked or changed. ' +
    'A line that begins with ! stands against it. With --run it shows what one of the last ten runs decided, planned again from the ' +
    'facts of that run where its catalog is still the one at hand.';
  static override examples = [
    '<%= config.bin %> explain transmogrifier',
    '<%= config.bin %> explain transmogrifier --run last',
  ];
  static override flags = {
    run: Flags.string({
      helpValue: 'ID',
      summary: 'Explain a run on record, or the "last" one, instead of a sync now.',
    }),
  };
  static override args = { target: targets('target', 'A basename, an edition or an edition id.') };

  async execute(context: ContextOf<typeof Explain>): Promise<Outcome<Explanations>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { catalogForPlanning } = await import('../cli/catalog-at-hand.ts');
    const { eachTarget } = await import('../cli/each-target.ts');
    const { explainNow, explainRun } = await import('../client/explain.ts');
    const { StateReader } = await import('../client/state/state.ts');
    const { args, flags } = context;
    const { machine } = await machineHere(context);
    const state = StateReader.open(machine.paths);
    try {
      const warnings: string[] = [];
      const kept = async () => ({
        trusted: (await machine.depot?.kept({ expired: true }).catch(() => null)) ?? null,
        problem: null,
      });
      const { trusted, problem } =
        flags.run === undefined ? await catalogForPlanning(machine.depot, warnings) : await kept();
      const explainer =
        flags.run === undefined
          ? await explainNow(machine, state, trusted, context)
          : explainRun(flags.run, state, trusted);
      const { how, run, machine: name } = explainer;
      const { results, errors, exit } = await eachTarget(args.target, (target) => explainer.about(target));
      return {
        result: { how, run, machine: name, explanations: results },
        errors: problem === null ? errors : [problem, ...errors],
        exit: problem === null ? exit : problem.exitCode,
        warnings: [...warnings, ...explainer.warnings],
      };
    } finally {
      state.close();
    }
  }

  render({ explanations, ...explainer }: Explanations, terminal: Terminal): void {
    terminal.result(explanations.map((explained) => explainedText(explained, explainer)).join('\n\n'));
  }
}
