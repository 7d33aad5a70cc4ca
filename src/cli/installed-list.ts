import type { InstalledRow, InterruptedRow, ListKind, UnderWayRow } from '../client/lists.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ClientCommand, type CommandContext, type Outcome } from './base.ts';
import { day } from './table-text.ts';

export interface InstalledList {
  receipts: InstalledRow[];
  /** Basenames whose last action was cut; the next changing command goes on with them. */
  interrupted: InterruptedRow[];
  /** Basenames that a run is busy with at this moment. */
  underWay: UnderWayRow[];
}

/** The base of the commands that list receipts. They need no depot and no rights. */
export abstract class InstalledListCommand extends ClientCommand<InstalledList> {
  protected abstract readonly list: ListKind;
  protected abstract readonly heading: string;

  async execute(context: CommandContext<never, never>): Promise<Outcome<InstalledList>> {
    const { machineHere } = await import('./machine.ts');
    const { listInstalled } = await import('../client/lists.ts');
    const { machine } = await machineHere(context);
    const kept = async () =>
      machine.depot === null ? null : await machine.depot.kept({ expired: true }).catch(() => null);
    return { result: await listInstalled(machine.paths, this.list, kept) };
  }

  render({ receipts, interrupted, underWay }: InstalledList, terminal: Terminal): void {
    terminal.table({
      title: `${this.heading}${legend(receipts)}`,
      columns: ['Basename', 'Vers-Rev', 'Status', 'Installed', 'By'],
      rows: receipts.map((receipt) => [
        receipt.basename,
        `${receipt.version}-${receipt.revision}`,
        statusText(receipt),
        day(receipt.installedAt),
        receipt.admin,
      ]),
      empty: `${this.heading}: none`,
    });
    for (const { edition, doing, run } of underWay)
      terminal.warn(`${edition}: being ${doing === 'install' ? 'installed' : 'removed'} now by run ${run}`);
    for (const { edition, doing } of interrupted) {
      terminal.warn(
        `${edition}: interrupted while being ${doing === 'install' ? 'installed' : 'removed'}; the next d3 run goes on with it`,
      );
    }
  }
}

function legend(receipts: readonly InstalledRow[]): string {
  const marks = [
    receipts.some(({ removable }) => !removable) ? '< not removable' : '',
    receipts.some(({ frozen }) => frozen) ? '^ frozen' : '',
    receipts.some(({ goneSince }) => goneSince !== null) ? '! left over, no longer in the depot' : '',
  ].filter((mark) => mark !== '');
  return marks.length === 0 ? '' : ` (${marks.join(', ')})`;
}

/** Marks behind the status: `<` not removable, `^` frozen, `!` left over. */
function statusText({ status, piloting, removable, frozen, goneSince }: InstalledRow): string {
  const word = piloting && status !== 'pilot' ? `${status ?? '-'} (piloted)` : (status ?? '-');
  return `${word}${removable ? '' : ' <'}${frozen ? ' ^' : ''}${goneSince === null ? '' : ' !'}`;
}
