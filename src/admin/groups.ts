import { D3Error } from '@d3/sdk';
import type { Criteria } from '../catalog/criteria.ts';
import { leavesOf } from '../catalog/criteria.ts';
import type { GroupRef } from '../catalog/types.ts';
import type { GroupBody } from '../depot/contract.ts';
import { type Documents, Fleet, type FleetComputer, type StoredDocument } from '../depot/index.ts';
import { criteriaNow, readCriteria } from './criteria.ts';
import { documentMeant, refuseInUse, refuseName, savedIfOther } from './documents.ts';
import { type AdminSession, publish } from './session.ts';

export interface Group {
  /** 0 for `standard`, the group of all machines, which is no document. */
  id: number;
  name: string;
  kind: 'static' | 'smart' | 'standard';
  description: string;
  /** Of a smart group, as they would be typed now; null for others. */
  criteria: string | null;
  /** Of a smart group those whose last report says so. */
  members: { id: string; name: string | null }[];
  /** Editions that name it, and how. */
  usedBy: string[];
}

export interface GroupChanges {
  name?: string | undefined;
  description?: string | undefined;
  /** Of a smart group only. */
  criteria?: string | undefined;
}

const COMPUTER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** @param members names, ids or serial numbers of computers */
export async function addGroup(
  name: string,
  description: string,
  members: readonly string[],
  session: AdminSession,
): Promise<Group> {
  refuseName('group', name);
  const ids = await computerIds(members, session);
  return create(name, { schema: 'd3/group@1', kind: 'static', description, members: ids }, session);
}

/** @param criteria as typed */
export async function addSmartGroup(
  name: string,
  description: string,
  criteria: string,
  session: AdminSession,
): Promise<Group> {
  refuseName('group', name);
  const read = await readCriteria(criteria, session);
  return create(name, { schema: 'd3/group@1', kind: 'smart', description, criteria: read }, session);
}

/**
 * Makes a smart group unless there is one of that name, which stays as it is. For whoever makes several: they are published together.
 * @returns it, and whether it was made and says just that
 */
export async function ensureSmartGroup(
  { name, description, criteria }: { name: string; description: string; criteria: Criteria },
  session: AdminSession,
): Promise<{ group: StoredDocument<GroupBody>; made: boolean; same: boolean }> {
  refuseName('group', name);
  const there = await groups(session).byName(name);
  if (there !== null) {
    const same = there.body.kind === 'smart' && JSON.stringify(there.body.criteria) === JSON.stringify(criteria);
    return { group: there, made: false, same };
  }
  const body: GroupBody = { schema: 'd3/group@1', kind: 'smart', description, criteria };
  return { group: await groups(session).create(name, body, session.admin), made: true, same: true };
}

/** Gives a group another name, description or criteria; editions follow it by its id. */
export async function editGroup(group: string, changes: GroupChanges, session: AdminSession): Promise<Group> {
  const found = await groupMeant(group, session);
  if (changes.name !== undefined) refuseName('group', changes.name);
  const { name = found.name, description = found.body.description } = changes;
  if (changes.criteria === undefined) return save(found, { name, body: { ...found.body, description } }, session);
  if (found.body.kind !== 'smart') {
    throw new D3Error('GROUP_STATIC', 'refused', `${found.name} is a list of computers and has no criteria.`, {
      target: found.name,
      actions: ['make another group with --criteria'],
    });
  }
  const criteria = await readCriteria(changes.criteria, session);
  return save(found, { name, body: { ...found.body, description, criteria } }, session);
}

/** @param changes names, ids or serial numbers of computers to take in and to leave out */
export async function changeMembers(
  group: string,
  changes: { add: readonly string[]; remove: readonly string[] },
  session: AdminSession,
): Promise<Group> {
  const found = await groupMeant(group, session);
  const { body } = found;
  if (body.kind !== 'static') {
    throw new D3Error('GROUP_SMART', 'refused', `${found.name} is a smart group: who is in it follows its criteria.`, {
      target: found.name,
      actions: [`change them: d3admin group edit "${found.name}" --criteria …`],
    });
  }
  const [add, remove] = [await computerIds(changes.add, session), await computerIds(changes.remove, session)];
  const members = [...new Set([...body.members, ...add])].filter((id) => !remove.includes(id));
  return save(found, { name: found.name, body: { ...body, members } }, session);
}

/** All groups, `standard` first. */
export async function listGroups(session: AdminSession): Promise<Group[]> {
  const all = await groups(session).list();
  return [await standardGroup(session), ...all.map(await showing(session, all))];
}

export async function showGroup(group: string, session: AdminSession): Promise<Group> {
  if (group.toLowerCase() === 'standard') return standardGroup(session);
  return shownOne(await groupMeant(group, session), session);
}

/** What {@link deleteGroup} would delete. @throws D3Error refused `IN_USE` with who names it */
export async function groupToDelete(group: string, session: AdminSession): Promise<StoredDocument<GroupBody>> {
  const found = await groupMeant(group, session);
  const users = (await groupUsers(session))(found.id);
  refuseInUse('group', found.name, users, 'take it off there first: d3admin edit EDITION -g … or -G …');
  return found;
}

export async function deleteGroup({ id, generation }: StoredDocument<GroupBody>, session: AdminSession): Promise<void> {
  await groups(session).remove(id, generation, session.admin);
  await publish(session);
}

/** How a computer fares with criteria, one by one. */
export interface GroupTest {
  computer: { id: string; name: string; age: number };
  isMember: boolean;
  criteria: { text: string; values: readonly string[]; met: boolean }[];
}

/**
 * Tries criteria on what computers last reported. Nothing is changed.
 * @param wanted a group, or criteria as typed
 * @param words computers; none: all that would be in
 */
export async function testGroup(
  wanted: { group: string } | { criteria: string },
  words: readonly string[],
  session: AdminSession,
): Promise<GroupTest[]> {
  const body = await bodyToTest(wanted, session);
  const fleet = await Fleet.of(session);
  const text = await criteriaNow(session);
  const meant = words.length > 0 ? words.map((word) => fleet.find(word)) : fleet.computers;
  await fleet.reading([body], words.length > 0 ? meant.map(({ id }) => id) : undefined);
  const leaves = body.kind === 'smart' ? leavesOf(body.criteria) : [];
  const tests = meant.map((computer) => ({
    computer: { id: computer.id, name: computer.shownName, age: computer.age },
    isMember: fleet.isIn(body, computer),
    criteria: leaves.map((leaf) => {
      const { values, met } = fleet.judged(leaf, computer);
      return { text: text(leaf), values, met };
    }),
  }));
  return words.length > 0 ? tests : tests.filter(({ isMember }) => isMember);
}

async function bodyToTest(wanted: { group: string } | { criteria: string }, session: AdminSession): Promise<GroupBody> {
  if ('group' in wanted) return (await groupMeant(wanted.group, session)).body;
  const criteria = await readCriteria(wanted.criteria, session);
  return { schema: 'd3/group@1', kind: 'smart', description: '', criteria };
}

/** @throws D3Error notFound `GROUP_NOT_FOUND` */
export async function groupMeant(nameOrId: string, session: AdminSession): Promise<StoredDocument<GroupBody>> {
  return documentMeant('group', nameOrId, groups(session));
}

/** The groups a computer is in, as far as the depot knows. */
export async function groupsOf(
  computer: FleetComputer,
  fleet: Fleet,
  session: AdminSession,
): Promise<StoredDocument<GroupBody>[]> {
  const all = await groups(session).list();
  const bodies = all.map(({ body }) => body);
  await fleet.reading(bodies, [computer.id]);
  return all.filter(({ body }) => fleet.isIn(body, computer));
}

async function create(name: string, body: GroupBody, session: AdminSession): Promise<Group> {
  const made = await groups(session).create(name, body, session.admin);
  await publish(session);
  return shownOne(made, session);
}

async function save(
  found: StoredDocument<GroupBody>,
  changes: { name: string; body: GroupBody },
  session: AdminSession,
): Promise<Group> {
  const saved = await savedIfOther(found, changes, groups(session), session);
  if (saved !== null) await publish(session);
  return shownOne(saved ?? found, session);
}

/** Every unknown computer is named at once. A full id is taken even if the machine has not reported yet. */
async function computerIds(words: readonly string[], session: AdminSession): Promise<string[]> {
  if (words.length === 0) return [];
  const fleet = await Fleet.of(session);
  const ids: string[] = [];
  const unknown: string[] = [];
  for (const word of words) {
    const computer = fleet.lookUp(word);
    if (computer !== null) ids.push(computer.id);
    else if (COMPUTER_ID.test(word)) ids.push(word);
    else unknown.push(word);
  }
  if (unknown.length === 0) return ids;
  throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', `No computer has reported as ${unknown.join(', ')}.`, {
    target: unknown.join(','),
    actions: ['run d3 sync there first: machines are known by their reports'],
  });
}

async function shownOne(group: StoredDocument<GroupBody>, session: AdminSession): Promise<Group> {
  return (await showing(session, [group]))(group);
}

async function showing(
  session: AdminSession,
  all: readonly StoredDocument<GroupBody>[],
): Promise<(group: StoredDocument<GroupBody>) => Group> {
  const fleet = await (await Fleet.of(session)).reading(all.map(({ body }) => body));
  const text: (criteria: Criteria) => string = await criteriaNow(session);
  const users = await groupUsers(session);
  return ({ id, name, body }) => ({
    id,
    name,
    kind: body.kind,
    description: body.description,
    criteria: body.kind === 'smart' ? text(body.criteria) : null,
    members: fleet.members(body).map((member) => ({ id: member, name: fleet.byId(member)?.shownName ?? null })),
    usedBy: users(id),
  });
}

async function standardGroup(session: AdminSession): Promise<Group> {
  const { computers } = await Fleet.of(session);
  return {
    id: 0,
    name: 'standard',
    kind: 'standard',
    description: 'all machines',
    criteria: null,
    members: computers.map(({ id, shownName }) => ({ id, name: shownName })),
    usedBy: (await groupUsers(session))('standard'),
  };
}

/** @returns who names a group, in words */
async function groupUsers({ depot }: AdminSession): Promise<(group: GroupRef) => string[]> {
  const editions = await depot.store.editions.list();
  const policies = await depot.store.documents('policy').list();
  return (group) => [
    ...editions.flatMap(({ edition, status, autoGroups, excludedGroups }) => [
      ...(autoGroups.includes(group) ? [`${edition} (${status}, auto)`] : []),
      ...(excludedGroups.includes(group) ? [`${edition} (${status}, excluded)`] : []),
    ]),
    ...policies
      .filter(({ body: { scope } }) => [...scope.groups, ...scope.excludedGroups].includes(group))
      .map(({ name }) => `the policy ${name}`),
  ];
}

function groups({ depot }: AdminSession): Documents<GroupBody> {
  return depot.store.documents('group');
}
