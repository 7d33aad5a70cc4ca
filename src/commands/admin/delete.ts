import { Flags } from '@oclif/core';
import type { Deleted } from '../../admin/delete.ts';
import type { Edition } from '../../catalog/types.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome, targets } from '../../cli/base.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { confirmingFlags } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface DeletedHere {
  deleted: Deleted[];
  /** What would be deleted, where nothing was. */
  would: string[];
}

export default class AdminDelete extends AdminCommand<DeletedHere, typeof AdminDelete> {
  static override summary = 'Take editions out of the depot. Machines keep what they have installed.';
  static override examples = [
    '<%= config.bin %>admin delete transmogrifier-2.1.2-1',
    '<%= config.bin %>admin delete transmogrifier-2.1.2-1 --archive -a',
  ];
  static override flags = {
    ...confirmingFlags,
    archive: Flags.boolean({ summary: 'Keep the record, to be seen with "show archived".' }),
  };
  static override args = {
    target: targets('target', 'An edition, its id, or a basename, which means its live edition.'),
  };

  async execute(context: ContextOf<typeof AdminDelete>): Promise<Outcome<DeletedHere>> {
    const { deleteEdition } = await import('../../admin/delete.ts');
    const { editionMeant } = await import('../../admin/targets.ts');
    const { flags, args, terminal } = context;
    return changingDepot(context, async (session) => {
      const meant = await eachTarget([...new Set(args.target)], (target) => editionMeant(target, session));
      if (meant.errors.length > 0) return { result: { deleted: [], would: [] }, errors: meant.errors };
      const would = meant.results.map(wouldBe);
      if (flags['dry-run']) return { result: { deleted: [], would } };
      const question = `Delete ${would.length === 1 ? meant.results[0]?.edition : `these ${would.length} editions`}?`;
      const agreed = flags['auto-confirm'] || (await terminal.confirm({ question, details: would, flag: '-a' }));
      if (!agreed) return { result: { deleted: [], would } };
      const { results, errors, exit } = await eachTarget(meant.results, (edition) =>
        deleteEdition(edition, flags.archive, session),
      );
      return { result: { deleted: results, would: [] }, errors, exit };
    });
  }

  render({ deleted, would }: DeletedHere, terminal: Terminal): void {
    if (would.length > 0) terminal.result(['Nothing was deleted. It would be:', ...would].join('\n'));
    terminal.result(deleted.map(isDeleted).join('\n'));
  }
}

function wouldBe({ edition, status }: Edition): string {
  return `  ${edition} (${status}${status === 'live' ? ': machines stop getting it' : ''})`;
}

function isDeleted({ edition, archived, fileRemoved }: Deleted): string {
  const file = fileRemoved ? 'its file too' : 'its file stays: another edition has it';
  return `${edition.edition} is deleted${archived ? ' and archived' : ''}; ${file}.`;
}
