import { D3Error } from '@d3/sdk';
import { wholeNumber } from '../catalog/names.ts';
import type { Documents, StoredDocument } from '../depot/index.ts';
import type { AdminSession } from './session.ts';

/** What all documents that admins name have in common. */

/** Words for people. */
const KIND_WORDS = {
  group: 'group',
  script: 'script',
  category: 'category',
  department: 'department',
  building: 'building',
  site: 'site',
  ea: 'extension attribute',
} as const;
export type NamedKind = keyof typeof KIND_WORDS;

/** How a list of users is cut, so that it does not bury the message. */
const TOLD = 20;

/** @param nameOrId a name in any case, or a whole number @throws D3Error notFound (34) */
export async function documentMeant<Body>(
  kind: NamedKind,
  nameOrId: string,
  documents: Documents<Body>,
): Promise<StoredDocument<Body>> {
  const id = wholeNumber(nameOrId);
  const found = (await documents.byName(nameOrId)) ?? (id === null ? null : await documents.get(id));
  if (found !== null) return found;
  const actions = [`see what there is: d3admin ${kind} list`];
  if (nameProblem(nameOrId) === null && kind !== 'script') actions.push(`or make it: d3admin ${kind} add ${nameOrId}`);
  throw new D3Error(
    `${kind.toUpperCase()}_NOT_FOUND`,
    'notFound',
    `There is no ${KIND_WORDS[kind]} called ${nameOrId}.`,
    { target: nameOrId, actions },
  );
}

/** @throws D3Error usage (2) when it cannot be called so */
export function refuseName(kind: NamedKind, name: string): void {
  const why = nameProblem(name);
  if (why === null) return;
  const article = /^[aeiou]/.test(KIND_WORDS[kind]) ? 'An' : 'A';
  throw new D3Error(
    `${kind.toUpperCase()}_NAME`,
    'usage',
    `${article} ${KIND_WORDS[kind]} cannot be called "${name}": ${why}.`,
    { target: name },
  );
}

/** @returns why nothing can have this name, or null */
function nameProblem(name: string): string | null {
  if (/^(?:standard|none|n)$/i.test(name)) return 'that word has a meaning of its own';
  if (/^\d+$/.test(name)) return 'a number stands for an id';
  const good = /^[^,\p{Cc}]{1,100}$/u.test(name) && name.trim() === name;
  return good ? null : 'a name is 1 to 100 characters on one line without commas';
}

/** Saves what differs. @returns null when all was so already */
export async function savedIfOther<Body>(
  found: StoredDocument<Body>,
  changes: { name: string; body: Body },
  documents: Documents<Body>,
  { admin }: AdminSession,
): Promise<StoredDocument<Body> | null> {
  if (changes.name === found.name && JSON.stringify(changes.body) === JSON.stringify(found.body)) return null;
  return documents.update(found.id, found.generation, changes, admin);
}

/** @throws D3Error refused `IN_USE`, naming who uses it */
export function refuseInUse(kind: NamedKind, name: string, users: readonly string[], next: string): void {
  if (users.length === 0) return;
  const told = users.slice(0, TOLD).join(', ');
  const more = users.length > TOLD ? `, and ${users.length - TOLD} more` : '';
  throw new D3Error(
    'IN_USE',
    'refused',
    `The ${KIND_WORDS[kind]} ${name} was not deleted: it is in use by ${told}${more}.`,
    { target: name, actions: [next] },
  );
}
