import { Args } from '@oclif/core';
import { AdminCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { contentsText } from '../../cli/depot-text.ts';
import type { BackedUp } from '../../depot/index.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class DepotRestore extends AdminCommand<BackedUp, typeof DepotRestore> {
  static override summary = 'Make a depot of a backup.';
  static override description =
    'All of the backup is read and compared with its hashes before anything of it has its place. Without DIR the depot is made where ' +
    '--depot or D3_DEPOT says. Its store is a file there, unless D3_DEPOT_DATABASE or database.url names an empty PostgreSQL ' +
    'database. It is published at once, so that machines that have seen more than the backup knows go on with it.';
  static override examples = ['<%= config.bin %> depot restore /backup/d3-monday /srv/d3'];
  static override args = {
    backup: Args.string({ name: 'backup', description: 'What d3 depot backup made.', required: true }),
    dir: Args.directory({ name: 'dir', description: 'An empty folder, or one that is not there yet.', exists: false }),
  };

  async execute(context: ContextOf<typeof DepotRestore>): Promise<Outcome<BackedUp>> {
    const { restoreHere } = await import('../../cli/depot-upkeep.ts');
    return { result: await restoreHere(context, context.args.backup, context.args.dir) };
  }

  render({ depot, at, rows, files, bytes }: BackedUp, terminal: Terminal): void {
    terminal.result(
      `The depot of ${at} is back in ${depot}: ${contentsText(rows, files, bytes)}; all of it was compared.`,
    );
  }
}
