import { PREFERENCE_TABLE, preferenceValue } from '../../admin/preferences.ts';
import type { Preferences } from '../../config/preferences.ts';
import { type Asker, pickPath } from './pick.ts';

type Changes = Partial<Record<(typeof PREFERENCE_TABLE)[number]['key'], string | null>>;

interface ConfigWalk {
  changes: Changes;
  /** Set when credentials are to be asked for. */
  credentials: boolean;
}

const DONE = Symbol('done');
const CREDENTIALS = Symbol('credentials');
const FOLDERS: readonly string[] = ['depot', 'workspace'];

/** What is set, line by line, until it is as it should be. @returns null when it is not to be saved */
export async function walkConfig(
  asker: Asker,
  before: Preferences,
  prohibited: readonly string[],
): Promise<ConfigWalk | null> {
  const changes: Changes = {};
  let credentials = false;
  let last: string | symbol = DONE;
  for (;;) {
    const lines = PREFERENCE_TABLE.map(({ target, key, label, explanation }) => {
      const old = before[key] ?? 'unset';
      const now = key in changes ? (changes[key] ?? 'unset') : old;
      return { value: target, label: `${label}: ${now === old ? old : `${old} => ${now}`}`, note: explanation };
    });
    const account = `Credentials: ${credentials ? 'to be asked for' : (before.account ?? 'unset')}`;
    last = await asker.choose<string | symbol>({
      question: 'What you usually want:',
      flag: 'TARGET VALUE',
      preset: last,
      options: [
        { value: DONE, label: 'Go on: save it' },
        ...lines,
        { value: CREDENTIALS, label: account, note: 'What depots behind a server know you by.' },
      ],
    });
    if (last === CREDENTIALS) credentials = !credentials;
    if (last === DONE) break;
    const row = PREFERENCE_TABLE.find(({ target }) => target === last);
    if (row === undefined) continue;
    const typed = FOLDERS.includes(row.target)
      ? await folderOrNone(asker, row)
      : await asker.text({
          question: `${row.label}:`,
          flag: `d3admin config ${row.target} VALUE`,
          preset: changes[row.key] ?? before[row.key] ?? 'none',
          details: [`${row.explanation} none unsets it.`],
          check: (text) => problemOf(() => preferenceValue(row, text, prohibited)),
        });
    try {
      changes[row.key] = preferenceValue(row, typed, prohibited);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      asker.error(error.message);
    }
  }
  const details = PREFERENCE_TABLE.flatMap(({ key, label }) =>
    key in changes && changes[key] !== before[key]
      ? [`  ${label}: ${before[key] ?? 'unset'} => ${changes[key] ?? 'unset'}`]
      : [],
  );
  if (credentials) details.push('  Credentials: asked for next');
  if (details.length === 0) return { changes: {}, credentials: false };
  return (await asker.confirm({ question: 'Save this?', details, flag: 'TARGET VALUE' }))
    ? { changes, credentials }
    : null;
}

async function folderOrNone(asker: Asker, { label, explanation, target }: (typeof PREFERENCE_TABLE)[number]) {
  const way = await asker.choose({
    question: `${label}:`,
    flag: `d3admin config ${target} VALUE`,
    details: [explanation],
    options: [
      { value: true, label: 'a folder' },
      { value: false, label: 'unset' },
    ],
  });
  return way ? pickPath(asker, { question: `${label}:`, flag: `d3admin config ${target} VALUE` }) : 'none';
}

function problemOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}
