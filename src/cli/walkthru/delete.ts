import type { DeleteOptions } from '../../admin/delete.ts';
import type { AdminSession } from '../../admin/session.ts';
import { editionsOf } from './names.ts';
import { type Asker, pickMany } from './pick.ts';

/** Which editions are to go. */
export async function editionsToDelete(asker: Asker, session: AdminSession): Promise<string[]> {
  const from = await editionsOf(session);
  const details = ['Editions to take out of the depot: return puts one in or out.'];
  return pickMany(asker, { question: 'Delete:', flag: 'TARGET', details, from });
}

/** What is to become of their records, files and scripts. @param given what was said as flags, which is not asked again */
export async function walkDelete(asker: Asker, given: DeleteOptions): Promise<DeleteOptions> {
  const record = given.archive
    ? given.keepFile
      ? 'with-file'
      : 'archive'
    : await asker.choose({
        question: 'Their records:',
        flag: '--archive',
        details: ['An archived record is shown by "show archived" and brought back by "restore".'],
        options: [
          { value: 'delete', label: 'are deleted, with their files' },
          { value: 'archive', label: 'are archived, their files deleted' },
          { value: 'with-file', label: 'are archived with their files' },
        ],
      });
  const deleteScripts =
    given.deleteScripts === true ||
    (await asker.choose({
      question: 'Their scripts:',
      flag: '--delete-scripts',
      details: ['A script that anything else uses stays in any case.'],
      options: [
        { value: false, label: 'are kept' },
        { value: true, label: 'are deleted where nothing else uses them' },
      ],
    }));
  const keepInJss =
    given.keepInJss === true ||
    (await asker.choose({
      question: 'Their packages in Jamf:',
      flag: '--keep-in-jss',
      details: ['Matters only where a plugin mirrors editions there.'],
      options: [
        { value: false, label: 'are deleted' },
        { value: true, label: 'are kept' },
      ],
    }));
  return { archive: record !== 'delete', keepFile: record === 'with-file', deleteScripts, keepInJss };
}
