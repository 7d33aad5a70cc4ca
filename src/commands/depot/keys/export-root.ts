import { Args } from '@oclif/core';
import { readingDepot, writeWhole } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface Exported {
  version: number;
  /** Null: it is printed. */
  file: string | null;
  text: string;
}

export default class DepotKeysExportRoot extends AdminCommand<Exported, typeof DepotKeysExportRoot> {
  static override summary =
    'Write the root metadata into a file, for machines that are to trust this depot from the first contact on.';
  static override description =
    'The setting trust.root of a machine names the file. It then accepts no depot but this one, whoever answers at the first contact.';
  static override examples = [
    '<%= config.bin %> depot keys export-root d3-root.json',
    '<%= config.bin %> depot keys export-root > d3-root.json',
  ];
  static override args = {
    file: Args.string({ name: 'file', description: 'Where to write it; without it, it is printed.' }),
  };

  async execute(context: ContextOf<typeof DepotKeysExportRoot>): Promise<Outcome<Exported>> {
    const { exportRoot } = await import('../../../admin/keys.ts');
    const { version, text } = await readingDepot(context, exportRoot);
    const { file } = context.args;
    const at = file === undefined ? null : writeWhole(file, `${text}\n`);
    return { result: { version, file: at, text } };
  }

  render({ version, file, text }: Exported, terminal: Terminal): void {
    terminal.result(file === null ? text : `Root version ${version} is in ${file}.`);
  }
}
