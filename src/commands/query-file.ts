import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome, targets } from '../cli/base.ts';
import type { PathOwner } from '../client/package-files.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class QueryFile extends ClientCommand<PathOwner[], typeof QueryFile> {
  static override summary = 'Say which package put a file on this machine.';
  static override description =
    'With --all it also says which editions of the depot would bring it, which takes a look into each of them.';
  static override aliases = ['qf'];
  static override examples = [
    '<%= config.bin %> query-file /Applications/Transmogrifier.app',
    '<%= config.bin %> query-file --all /Applications/Transmogrifier.app/Contents/Info.plist',
  ];
  static override flags = { all: Flags.boolean({ summary: 'Look into all editions of the depot, too.' }) };
  static override args = { path: targets('path', 'An absolute path, as the machine sees it.') };

  async execute(context: ContextOf<typeof QueryFile>): Promise<Outcome<PathOwner[]>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { catalogToShow } = await import('../cli/catalog-at-hand.ts');
    const { eachTarget } = await import('../cli/each-target.ts');
    const { noDepot } = await import('../client/no-depot.ts');
    const { indexOf } = await import('../client/lists.ts');
    const { bringersOf, ownersOf } = await import('../client/package-files.ts');
    const { StateReader } = await import('../client/state/state.ts');
    const { args, flags } = context;
    const { depot, paths } = (await machineHere(context)).machine;
    if (flags.all && depot === null) throw noDepot();
    const warnings: string[] = [];
    const warn = (text: string) => void warnings.push(text);
    const trusted =
      flags.all && depot !== null ? catalogToShow(depot, warnings) : depot?.kept({ expired: true }).catch(() => null);
    const index = indexOf((await trusted) ?? null);
    const state = StateReader.open(paths);
    try {
      const { results, errors, exit } = await eachTarget(args.path, async (path) => {
        const here = ownersOf(path, state, index);
        if (!flags.all || index === null || depot === null) return here;
        const others = await bringersOf(path, index, depot, warn);
        return [...here, ...others.filter(({ edition }) => here.every((owner) => owner.edition !== edition))];
      });
      return { result: results.flat(), errors, exit, warnings: [...new Set(warnings)] };
    } finally {
      state.close();
    }
  }

  render(owners: PathOwner[], terminal: Terminal): void {
    terminal.table({
      title: 'Packages that put it here, or would',
      columns: ['Path', 'Edition', 'Status', 'Installed'],
      rows: owners.map(({ path, edition, status, installed }) => [
        path,
        edition,
        status ?? '-',
        installed ? 'yes' : 'no',
      ]),
      empty: 'No package of d3 put it here',
    });
  }
}
