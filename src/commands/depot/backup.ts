import { Args } from '@oclif/core';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { contentsText } from '../../cli/depot-text.ts';
import type { BackedUp } from '../../depot/index.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class DepotBackup extends AdminCommand<BackedUp, typeof DepotBackup> {
  static override summary = 'Keep a copy of the whole depot, while others go on with it.';
  static override description =
    'Packages, keys, what is published, reports that wait, and the rows as they were at one moment, whatever database they are in. ' +
    'All of the copy is read again and compared. A name that ends in .tar makes one file, any other a folder. Who has the copy has ' +
    'the keys in it, and can ship packages to every machine.';
  static override examples = [
    '<%= config.bin %> depot backup /backup/d3-monday',
    '<%= config.bin %> depot backup /backup/d3.tar',
  ];
  static override args = {
    to: Args.string({
      name: 'to',
      description: 'A folder, or a file that ends in .tar; not there yet.',
      required: true,
    }),
  };

  async execute(context: ContextOf<typeof DepotBackup>): Promise<Outcome<BackedUp>> {
    const { backUpHere } = await import('../../cli/depot-upkeep.ts');
    return { result: await backUpHere(context, context.args.to) };
  }

  render({ backup, at, rows, files, bytes }: BackedUp, terminal: Terminal): void {
    terminal.result(
      `${backup} has the depot as it was at ${at}: ${contentsText(rows, files, bytes)}; all of it was compared.`,
    );
  }
}
