import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import type { Deleted, DeleteOptions } from '../../admin/delete.ts';
import type { Edition } from '../../catalog/types.ts';
import { changingDepot } from '../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome, targets } from '../../cli/base.ts';
import { eachTarget } from '../../cli/each-target.ts';
import { confirmingFlags, walkthruFlags } from '../../cli/flags.ts';
import type { Terminal } from '../../terminal/terminal.ts';

interface DeletedHere {
  deleted: Deleted[];
  /** What would be deleted, where nothing was. */
  would: string[];
}

export default class AdminDelete extends AdminCommand<DeletedHere, typeof AdminDelete> {
  static override summary = 'Take editions out of the depot. Machines keep what they have installed.';
  static override description =
    'What stays, and why, is told. A live edition has to be typed in to be deleted; where nobody can be asked, --live agrees to it besides -a.';
  static override examples = [
    '<%= config.bin %>admin delete transmogrifier-2.1.2-1',
    '<%= config.bin %>admin delete transmogrifier-2.1.2-1 --archive --keep-file -a',
    '<%= config.bin %>admin delete transmogrifier --live -a --delete-scripts',
    '<%= config.bin %>admin delete -w',
  ];
  static override flags = {
    ...confirmingFlags,
    ...walkthruFlags,
    archive: Flags.boolean({
      summary: 'Keep the record, to be seen with "show archived" and brought back with "restore".',
    }),
    'keep-file': Flags.boolean({ summary: 'Keep the package file with the record.', dependsOn: ['archive'] }),
    'delete-scripts': Flags.boolean({
      summary: 'Delete its scripts too, those that nothing else uses.',
      exclusive: ['keep-scripts'],
    }),
    'keep-scripts': Flags.boolean({ summary: 'Keep its scripts; so it is unless --delete-scripts is given.' }),
    'keep-in-jss': Flags.boolean({ summary: 'Leave the package in Jamf, where a plugin mirrors it there.' }),
    live: Flags.boolean({ summary: 'Agree to delete a live edition, where nobody can be asked.' }),
  };
  static override args = {
    target: targets('target', 'An edition, its id, or a basename, which means its live edition.'),
  };

  async execute(context: ContextOf<typeof AdminDelete>): Promise<Outcome<DeletedHere>> {
    const { deleteEdition } = await import('../../admin/delete.ts');
    const { editionMeant } = await import('../../admin/targets.ts');
    const { flags, args, terminal } = context;
    const given: DeleteOptions = {
      archive: flags.archive,
      keepFile: flags['keep-file'],
      deleteScripts: flags['delete-scripts'],
      keepInJss: flags['keep-in-jss'],
    };
    const named: readonly string[] | undefined = args.target;
    return changingDepot(context, async (session) => {
      const walk = flags.walkthru ? await import('../../cli/walkthru/delete.ts') : null;
      const wanted = named ?? (await walk?.editionsToDelete(terminal, session)) ?? [];
      const meant = await eachTarget([...new Set(wanted)], (target) => editionMeant(target, session));
      if (meant.errors.length > 0) return { result: { deleted: [], would: [] }, errors: meant.errors };
      const editions = [...new Map(meant.results.map((edition) => [edition.id, edition])).values()];
      if (editions.length === 0) return { result: { deleted: [], would: [] } };
      const options = walk === null ? given : await walk.walkDelete(terminal, given);
      const would = [...editions.map(wouldBe), ...fateOf(options)];
      if (flags['dry-run'] || !(await agree(editions, would, context))) return { result: { deleted: [], would } };
      const { results, errors, exit } = await eachTarget(editions, (edition) =>
        deleteEdition(edition, options, session),
      );
      return { result: { deleted: results, would: [] }, errors, exit };
    });
  }

  render({ deleted, would }: DeletedHere, terminal: Terminal): void {
    if (would.length > 0) terminal.result(['Nothing was deleted. It would be:', ...would].join('\n'));
    terminal.result(deleted.flatMap(report).join('\n'));
  }
}

async function agree(
  editions: readonly Edition[],
  would: readonly string[],
  { flags, terminal }: ContextOf<typeof AdminDelete>,
): Promise<boolean> {
  const live = editions.filter(({ status }) => status === 'live');
  if (flags['auto-confirm']) {
    const [first] = live;
    if (first === undefined || flags.live) return true;
    throw new D3Error('LIVE_UNCONFIRMED', 'usage', `${first.edition} is live: machines stop getting it.`, {
      target: first.edition,
      actions: ['agree to that with --live besides -a'],
    });
  }
  for (const { edition } of flags.live ? [] : live) {
    const typed = await terminal.text({
      question: `${edition} is live. To delete it, type it:`,
      flag: '-a --live',
    });
    if (typed.trim() !== edition) return false;
  }
  const question = `Delete ${editions.length === 1 ? editions[0]?.edition : `these ${editions.length} editions`}?`;
  return terminal.confirm({ question, details: would, flag: '-a' });
}

function wouldBe({ edition, status }: Edition): string {
  return `  ${edition} (${status}${status === 'live' ? ': machines stop getting it' : ''})`;
}

/** What goes and what stays besides the editions themselves. */
function fateOf({ archive, keepFile, deleteScripts, keepInJss }: DeleteOptions): string[] {
  return [
    ...(archive ? [`  their records are archived${keepFile ? ' with their files' : ''}`] : []),
    ...(deleteScripts ? ['  their scripts are deleted where nothing else uses them'] : []),
    ...(keepInJss ? ['  their packages stay in Jamf'] : []),
  ];
}

function report({ edition, archived, fileRemoved, scriptsRemoved, kept }: Deleted): string[] {
  const file = fileRemoved ? `, with its file ${edition.file.name}` : '';
  return [
    `${edition.edition} is deleted${archived ? ' and archived' : ''}${file}.`,
    ...scriptsRemoved.map((name) => `  deleted: the script ${name}`),
    ...kept.map(({ what, name, why }) => `  kept: ${what === 'jss' ? 'in Jamf' : `the ${what}`} ${name}, for ${why}`),
  ];
}
