import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { TableForm } from '../../tables.ts';

type Exported = {
  columns: string[];
  /** Cells in the order of the columns. */
  rows: (string | number | boolean | null)[][];
  /** The same as comma separated values (RFC 4180). */
  csv: string;
};

export default class ProvisionExport extends DepotCommand<Exported> {
  static override summary = 'Write what is said of all machines as a table.';
  static override description =
    'As csv it is what d3 provision assign --from reads again, after it was edited in a spreadsheet; machines that are to come are in it. As ' +
    'preload it is what Jamf Pro takes under Inventory Preload: by serial number, without names and sites, which it has no columns for.';
  static override examples = [
    '<%= config.bin %> provision export > machines.csv',
    '<%= config.bin %> provision export --as preload > preload.csv',
  ];
  static override flags = {
    as: Flags.string({ options: ['csv', 'preload'], default: 'csv', summary: 'For d3 itself, or for Jamf Pro.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Exported>> {
    const { depot, flags } = context;
    const { exported } = await import('../../tables.ts');
    const { writtenSettings } = await import('../../settings.ts');
    const table = await depot('reads', async (admin, { settings }) =>
      exported(admin, flags['as'] as TableForm, (await writtenSettings(settings)).buildAttribute),
    );
    const rows = table.rows.map((row) => row.map((cell) => cell ?? null));
    return { result: { columns: [...table.columns], rows, csv: context.csv(table) } };
  }

  text({ csv }: Exported): string {
    return csv.replaceAll('\r\n', '\n').replace(/\n$/, '');
  }
}
