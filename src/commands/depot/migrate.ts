import { Flags } from '@oclif/core';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { contentsText } from '../../cli/depot-text.ts';
import { adminChangingFlags } from '../../cli/flags.ts';
import type { Moved } from '../../depot/index.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class DepotMigrate extends AdminCommand<Moved, typeof DepotMigrate> {
  static override summary = "Move the depot's store to PostgreSQL, or back into a folder.";
  static override description =
    'Every row is copied and compared, every package read and compared with its hash, and only then the new store is in force. Until ' +
    'that moment the old one is, whatever happens; afterwards it takes no change. The database must be empty. Its address is given ' +
    'without a password, which comes from --password-file, D3_DEPOT_DATABASE, database.password or .pgpass. To a folder: the ' +
    "depot's own, or an empty one that all files are copied to.";
  static override examples = [
    '<%= config.bin %> depot migrate --to postgres://d3@db.example.org/d3 --dry-run',
    '<%= config.bin %> depot migrate --to postgres://d3@db.example.org/d3 --password-file /etc/d3.database',
    '<%= config.bin %> depot migrate --to /srv/d3',
  ];
  static override flags = {
    ...adminChangingFlags,
    to: Flags.string({ helpValue: 'URL|DIR', summary: 'Where the store is to be.', required: true }),
    'password-file': Flags.string({
      helpValue: 'FILE',
      summary: 'A file with the password, which nobody else may read.',
    }),
  };

  async execute(context: ContextOf<typeof DepotMigrate>): Promise<Outcome<Moved>> {
    const { moveHere } = await import('../../cli/depot-upkeep.ts');
    const { to, 'password-file': passwordFile, 'dry-run': dryRun } = context.flags;
    return { result: await moveHere(context, { to, passwordFile, dryRun }) };
  }

  render({ from, to, dryRun, rows, files, bytes }: Moved, terminal: Terminal): void {
    const what = contentsText(rows, files, bytes);
    terminal.result(
      dryRun
        ? `The store would move from ${from} to ${to}: ${what}.`
        : `The store is in ${to} now: ${what}; all of it was compared. ${from} takes no changes any more.`,
    );
  }
}
