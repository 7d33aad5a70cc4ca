import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Terminal } from '../../terminal/terminal.ts';

/** What a walkthru asks with. */
export type Asker = Pick<Terminal, 'text' | 'choose' | 'search' | 'confirm' | 'error'>;

/** Something that can be picked by its name. */
export interface Named {
  name: string;
  /** What stands beside the name: a status, say. */
  more?: string;
}

interface Picking {
  question: string;
  /** What would have answered on the command line. */
  flag: string;
  details?: readonly string[];
  from: readonly Named[];
}

/**
 * One of the names. Names that begin with what is typed come first.
 * @param others further answers, in front of the names
 * @param fresh whether what is typed may also be a new name
 */
export async function pickOne<T = never>(
  asker: Asker,
  { from, ...rest }: Picking,
  { others = [], fresh = false }: { others?: readonly { label: string; value: T }[]; fresh?: boolean } = {},
): Promise<string | T> {
  return asker.search<string | T>({
    ...rest,
    find: (typed) => {
      const names = matching(from, typed).map(({ name, more }) => ({
        value: name,
        label: more === undefined ? name : `${name} (${more})`,
      }));
      const known = from.some(({ name }) => name === typed);
      return [
        ...(typed === '' ? others : []),
        ...(fresh && typed !== '' && !known
          ? [{ value: typed, label: typed, note: 'There is none of that name yet.' }]
          : []),
        ...names,
      ];
    },
  });
}

const DONE = Symbol('done');

/** Any number of the names: each that is picked goes in or out, until it is enough. @returns in the order they went in */
export async function pickMany(
  asker: Asker,
  { from, question, details, flag }: Picking,
  before: readonly string[] = [],
): Promise<string[]> {
  const picked = new Set(before);
  let first: readonly string[] | undefined = details;
  for (;;) {
    const answer = await asker.search<string | typeof DONE>({
      question,
      flag,
      ...(first === undefined ? {} : { details: first }),
      find: (typed) => [
        ...(typed === '' ? [{ value: DONE, label: `Done: ${[...picked].join(', ') || 'none'}` } as const] : []),
        ...matching(from, typed).map(({ name, more }) => ({
          value: name,
          label: `${picked.has(name) ? '[x]' : '[ ]'} ${name}${more === undefined ? '' : ` (${more})`}`,
        })),
      ],
    });
    if (answer === DONE) return [...picked];
    if (!picked.delete(answer)) picked.add(answer);
    first = undefined;
  }
}

function matching(from: readonly Named[], typed: string): Named[] {
  const wanted = typed.toLowerCase();
  const fit = from.filter(({ name }) => name.toLowerCase().includes(wanted));
  const begins = fit.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  return [...begins, ...fit.filter((one) => !begins.includes(one))];
}

/** Entries of a folder that are offered at once. */
const ENTRIES = 200;

/** A file or folder of this machine. Tab goes into a folder or takes a name; return takes the line the cursor is on. */
export async function pickPath(asker: Asker, asked: Omit<Picking, 'from'>): Promise<string> {
  const details = [...(asked.details ?? []), 'Type a path; tab completes it.'];
  const picked = await asker.search({ ...asked, details, find: pathsFor });
  return path.resolve(fromHome(picked));
}

/** Paths that what is typed can become, itself first if it is there. */
function pathsFor(typed: string) {
  const at = typed.endsWith('/') || typed === '' ? typed : `${path.dirname(typed)}/`;
  const begin = typed.slice(typed.endsWith('/') ? typed.length : typed.lastIndexOf('/') + 1);
  const shownAt = at === './' && !typed.startsWith('./') ? '' : at.replace(/^\/\/$/, '/');
  const itself = typed !== '' && statSync(fromHome(typed), { throwIfNoEntry: false }) !== undefined ? [typed] : [];
  const below = entriesOf(fromHome(shownAt) || '.')
    .filter((name) => name.startsWith(begin) && (begin.startsWith('.') || !name.startsWith('.')))
    .map((name) => `${shownAt}${name}`)
    .filter((one) => one !== typed);
  return [...itself, ...below].map((value) => ({ value, label: value }));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .slice(0, 10 * ENTRIES)
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort()
      .slice(0, ENTRIES);
  } catch {
    // There is no such folder, or it is not for this person: nothing can be offered.
    return [];
  }
}

function fromHome(typed: string): string {
  return typed === '~' || typed.startsWith('~/') ? path.join(homedir(), typed.slice(1)) : typed;
}
