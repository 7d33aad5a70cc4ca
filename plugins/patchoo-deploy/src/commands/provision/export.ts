import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { TableForm } from '../../tables.ts';

export default class ProvisionExport extends DepotCommand {
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

  async execute(context: CommandContext): Promise<CommandOutcome<Json>> {
    const { depot, flags } = context;
    const { exported } = await import('../../tables.ts');
    const { writtenSettings } = await import('../../settings.ts');
    const table = await depot('reads', async (admin, { settings }) =>
      exported(admin, flags['as'] as TableForm, (await writtenSettings(settings)).buildAttribute),
    );
    const rows = table.rows.map((row) => row.map((cell) => cell ?? null));
    return { result: { columns: [...table.columns], rows, csv: context.csv(table) } };
  }

  text(result: Json): string {
    return (result as { csv: string }).csv.replaceAll('\r\n', '\n').replace(/\n$/, '');
  }
}
