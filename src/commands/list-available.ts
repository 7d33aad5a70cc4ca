import { Flags } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../cli/base.ts';
import type { AvailableRow } from '../client/lists.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface Available {
  /** Whether those this machine may not have are listed too. */
  all: boolean;
  available: AvailableRow[];
}

export default class ListAvailable extends ClientCommand<Available, typeof ListAvailable> {
  static override summary = 'List the live editions this machine may have.';
  static override description = 'Behind a basename: * it is installed here, ^ it needs a restart.';
  static override aliases = ['la'];
  static override examples = ['<%= config.bin %> list-available', '<%= config.bin %> list-available --force'];
  static override flags = { force: Flags.boolean({ char: 'f', summary: 'List every live edition.' }) };

  async execute(context: ContextOf<typeof ListAvailable>): Promise<Outcome<Available>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { noDepot } = await import('../client/no-depot.ts');
    const { listAvailable } = await import('../client/lists.ts');
    const { catalogToShow } = await import('../cli/catalog-at-hand.ts');
    const { machine } = await machineHere(context);
    if (machine.depot === null) throw noDepot();
    const warnings: string[] = [];
    const trusted = await catalogToShow(machine.depot, warnings);
    const { signal, report } = context;
    const all = context.flags.force;
    return { result: { all, available: await listAvailable(machine, trusted, { all, signal, report }) }, warnings };
  }

  render({ all, available }: Available, terminal: Terminal): void {
    const title = all ? 'All live editions' : 'Available to this machine';
    const marks = [
      available.some(({ installed }) => installed) ? '* installed' : '',
      available.some(({ reboot }) => reboot) ? '^ needs a restart' : '',
    ].filter((mark) => mark !== '');
    terminal.table({
      title: marks.length === 0 ? title : `${title} (${marks.join(', ')})`,
      columns: ['Basename', 'Vers-Rev', 'Auto-installed on'],
      rows: available.map(({ basename, version, revision, autoGroups, installed, reboot }) => [
        `${basename}${installed ? '*' : ''}${reboot ? '^' : ''}`,
        `${version}-${revision}`,
        autoGroups.length === 0 ? '-' : autoGroups.join(', '),
      ]),
      empty: `${title}: none`,
    });
  }
}
