import type { EditSession } from '../../admin/attribute-session.ts';
import type { AdminSession } from '../../admin/session.ts';
import { changeText } from '../attribute-text.ts';
import { walkAttributes } from './attributes.ts';
import { editionsOf } from './names.ts';
import { type Asker, pickOne } from './pick.ts';

/** One edition of those there are, the newest first. */
export async function editionToPick(
  asker: Asker,
  session: AdminSession,
  { question, flag, but }: { question: string; flag: string; but?: string },
): Promise<string> {
  const from = (await editionsOf(session)).filter(({ more }) => more !== but);
  return pickOne(asker, { question, flag, details: ['Type a part of its name.'], from });
}

/** The menu of an edition to be changed. */
export async function walkEdit(asker: Asker, editing: EditSession, editor: string): Promise<void> {
  await walkAttributes(asker, editing, {
    question: async () => `${editing.edition.edition} (${editing.edition.status}):`,
    done: 'Go on: check it, and save it',
    line: changeText,
    editor,
  });
}
