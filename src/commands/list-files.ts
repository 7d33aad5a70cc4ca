import { ClientCommand, type ContextOf, type Outcome, targets } from '../cli/base.ts';
import type { FilesOf } from '../client/package-files.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class ListFiles extends ClientCommand<FilesOf[], typeof ListFiles> {
  static override summary = 'List the files of a package: as installed here, else as the depot has them.';
  static override aliases = ['ls'];
  static override examples = ['<%= config.bin %> list-files transmogrifier'];
  static override args = { target: targets('target', 'A basename or an edition.') };

  async execute(context: ContextOf<typeof ListFiles>): Promise<Outcome<FilesOf[]>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { catalogIfAny } = await import('../cli/catalog-at-hand.ts');
    const { eachTarget } = await import('../cli/each-target.ts');
    const { indexOf } = await import('../client/lists.ts');
    const { filesOf } = await import('../client/package-files.ts');
    const { StateReader } = await import('../client/state/state.ts');
    const { machine } = await machineHere(context);
    const warnings: string[] = [];
    const index = indexOf(await catalogIfAny(machine.depot, warnings));
    const state = StateReader.open(machine.paths);
    try {
      const { results, errors, exit } = await eachTarget(context.args.target, (target) =>
        filesOf(target, state, index, machine.depot),
      );
      return { result: results, errors, exit, warnings };
    } finally {
      state.close();
    }
  }

  render(all: FilesOf[], terminal: Terminal): void {
    const blocks = all.map(({ edition, installed, files }) =>
      [`# Files of ${edition}${installed ? '' : ' (not installed here)'}`, ...files].join('\n'),
    );
    terminal.result(blocks.join('\n\n'));
  }
}
