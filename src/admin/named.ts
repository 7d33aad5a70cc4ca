import { nameKey } from '../catalog/names.ts';
import type { PolicyScope } from '../catalog/types.ts';
import { type Documents, Fleet, type StoredDocument } from '../depot/index.ts';
import { criteriaName } from './criteria.ts';
import { documentMeant, refuseInUse, refuseName, savedIfOther } from './documents.ts';
import { type AdminSession, publish } from './session.ts';

/** Objects that are a name others refer to. */
export type SimpleKind = 'category' | 'department' | 'building' | 'site';

export interface Named {
  /** Null: an edition has such a category, and nobody made it. */
  id: number | null;
  name: string;
  description: string;
  usedBy: string[];
}

interface NamedBody {
  schema: string;
  description: string;
}

type NamedDocument = StoredDocument<NamedBody>;

export async function addNamed(
  kind: SimpleKind,
  name: string,
  description: string,
  session: AdminSession,
): Promise<Named> {
  refuseName(kind, name);
  const body = { schema: `d3/${kind}@1`, description };
  const made = await documents(kind, session).create(name, body, session.admin);
  await publish(session);
  return shown(made, await namedUsers(kind, session));
}

/** Gives it another name or description; who uses it follows. */
export async function editNamed(
  kind: SimpleKind,
  nameOrId: string,
  changes: { name?: string | undefined; description?: string | undefined },
  session: AdminSession,
): Promise<Named> {
  const found = await documentMeant(kind, nameOrId, documents(kind, session));
  if (changes.name !== undefined) refuseName(kind, changes.name);
  const { name = found.name, description = found.body.description } = changes;
  // Editions name their category in words. They go first: a cut in between is mended by repeating the command.
  const renamed = kind === 'category' && name !== found.name;
  if (renamed) {
    const twin = await documents(kind, session).byName(name);
    if (twin === null || twin.id === found.id) await renameCategory(found.name, name, session);
  }
  const wanted = { name, body: { ...found.body, description } };
  const saved = await savedIfOther(found, wanted, documents(kind, session), session);
  if (saved !== null) await publish(session);
  return shown(saved ?? found, await namedUsers(kind, session));
}

export async function listNamed(kind: SimpleKind, session: AdminSession): Promise<Named[]> {
  const users = await namedUsers(kind, session);
  const made = (await documents(kind, session).list()).map((document) => shown(document, users));
  return [...made, ...(kind === 'category' ? await unmadeCategories(made, session) : [])].toSorted((a, b) =>
    a.name.localeCompare(b.name),
  );
}

export async function showNamed(kind: SimpleKind, nameOrId: string, session: AdminSession): Promise<Named> {
  return shown(await documentMeant(kind, nameOrId, documents(kind, session)), await namedUsers(kind, session));
}

/** What {@link deleteNamed} would delete. @throws D3Error refused `IN_USE` with who uses it */
export async function namedToDelete(kind: SimpleKind, nameOrId: string, session: AdminSession): Promise<NamedDocument> {
  const found = await documentMeant(kind, nameOrId, documents(kind, session));
  const next = kind === 'category' ? 'd3admin edit EDITION -C none' : `d3admin computer edit COMPUTER --${kind} none`;
  refuseInUse(kind, found.name, (await namedUsers(kind, session))(found), `take it off there first: ${next}`);
  return found;
}

export async function deleteNamed(kind: SimpleKind, found: NamedDocument, session: AdminSession): Promise<void> {
  await documents(kind, session).remove(found.id, found.generation, session.admin);
  await publish(session);
}

/** Every category an edition may be given: those that were made, and those that editions have. */
export async function categoriesKnown({ depot }: AdminSession): Promise<string[]> {
  const made = (await depot.store.documents('category').list()).map(({ name }) => name);
  const had = (await depot.store.editions.list()).flatMap(({ category }) => (category === null ? [] : [category]));
  return [...made, ...new Set(had)];
}

/** Makes a category unless there is one. @returns whether it was made */
export async function ensureCategory(name: string, session: AdminSession): Promise<boolean> {
  refuseName('category', name);
  const categories = documents('category', session);
  if ((await categories.byName(name)) !== null) return false;
  await categories.create(name, { schema: 'd3/category@1', description: '' }, session.admin);
  return true;
}

async function renameCategory(from: string, to: string, { depot, admin }: AdminSession): Promise<void> {
  for (const { id, category } of await depot.store.editions.list())
    if (category !== null && nameKey(category) === nameKey(from))
      await depot.store.editions.update(id, { category: to }, admin);
}

async function unmadeCategories(made: readonly Named[], session: AdminSession): Promise<Named[]> {
  const known = new Set(made.map(({ name }) => nameKey(name)));
  const users = await namedUsers('category', session);
  return (await categoriesKnown(session))
    .filter((name) => !known.has(nameKey(name)))
    .map((name) => ({ id: null, name, description: '', usedBy: users({ id: 0, name }) }));
}

/** @returns who uses an object, in words */
async function namedUsers(
  kind: SimpleKind,
  session: AdminSession,
): Promise<(object: { id: number; name: string }) => string[]> {
  const { store } = session.depot;
  if (kind === 'category') {
    const editions = await store.editions.list();
    return ({ name }) =>
      editions.flatMap(({ edition, category }) =>
        category !== null && nameKey(category) === nameKey(name) ? [edition] : [],
      );
  }
  const { computers } = await Fleet.of(session);
  const groups = await store.documents('group').list();
  const policies = await store.documents('policy').list();
  const scoped = ({ departments, buildings }: PolicyScope) =>
    kind === 'department' ? departments : kind === 'building' ? buildings : [];
  return ({ id, name }) => [
    ...computers.filter(({ record }) => record?.body[kind] === id).map(({ shownName }) => shownName),
    ...groups
      .filter(({ body }) => body.kind === 'smart' && criteriaName(body.criteria, id))
      .map((group) => `the group ${group.name}`),
    ...policies
      .filter(({ body }) => scoped(body.scope).some((value) => nameKey(value) === nameKey(name)))
      .map((policy) => `the policy ${policy.name}`),
  ];
}

function shown(document: NamedDocument, users: (object: NamedDocument) => string[]): Named {
  const { id, name, body } = document;
  return { id, name, description: body.description, usedBy: users(document) };
}

function documents(kind: SimpleKind, { depot }: AdminSession): Documents<NamedBody> {
  return depot.store.documents(kind) as Documents<NamedBody>;
}
