import { D3Error } from '@d3/sdk';
import type { GroupBody } from '../depot/contract.ts';
import type { StoredDocument } from '../depot/index.ts';
import { type AdminSession, publish } from './session.ts';

export interface Group {
  id: number;
  name: string;
  description: string;
  members: { id: string; name: string | null }[];
}

const COMPUTER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NAME = /^[^,\p{Cc}]{1,100}$/u;

/** @param members names or ids of computers */
export async function addGroup(
  name: string,
  description: string,
  members: readonly string[],
  session: AdminSession,
): Promise<Group> {
  refuseName(name);
  const ids = await computerIds(members, session);
  const body: GroupBody = { schema: 'd3/group@1', kind: 'static', description, members: ids };
  const made = await groups(session).create(name, body, session.admin);
  await publish(session);
  return shown(made, session);
}

/** Gives a group another name or description; editions follow it by its id. */
export async function editGroup(
  group: string,
  changes: { name?: string | undefined; description?: string | undefined },
  session: AdminSession,
): Promise<Group> {
  const found = await groupMeant(group, session);
  if (changes.name !== undefined) refuseName(changes.name);
  const { name = found.name, description = found.body.description } = changes;
  return save(found, { name, body: { ...found.body, description } }, session);
}

/** @param changes names or ids of computers to take in and to leave out */
export async function changeMembers(
  group: string,
  changes: { add: readonly string[]; remove: readonly string[] },
  session: AdminSession,
): Promise<Group> {
  const found = await groupMeant(group, session);
  const [add, remove] = [await computerIds(changes.add, session), await computerIds(changes.remove, session)];
  const members = [...new Set([...found.body.members, ...add])].filter((id) => !remove.includes(id));
  return save(found, { body: { ...found.body, members } }, session);
}

export async function listGroups(session: AdminSession): Promise<Group[]> {
  const found: Group[] = [];
  for (const group of await groups(session).list()) found.push(await shown(group, session));
  return found;
}

export async function showGroup(group: string, session: AdminSession): Promise<Group> {
  return shown(await groupMeant(group, session), session);
}

async function save(
  found: StoredDocument<GroupBody>,
  changes: { name?: string; body: GroupBody },
  session: AdminSession,
): Promise<Group> {
  const same =
    (changes.name ?? found.name) === found.name && JSON.stringify(changes.body) === JSON.stringify(found.body);
  if (same) return shown(found, session);
  const saved = await groups(session).update(found.id, found.generation, changes, session.admin);
  await publish(session);
  return shown(saved, session);
}

/** @throws D3Error notFound `GROUP_NOT_FOUND` */
export async function groupMeant(nameOrId: string, session: AdminSession): Promise<StoredDocument<GroupBody>> {
  const byName = await groups(session).byName(nameOrId);
  const found = byName ?? (/^\d+$/.test(nameOrId) ? await groups(session).get(Number(nameOrId)) : null);
  if (found !== null) return found;
  const actions = ['see the groups: d3admin group list'];
  if (nameProblem(nameOrId) === null) actions.push(`or make it: d3admin group add ${nameOrId}`);
  throw new D3Error('GROUP_NOT_FOUND', 'notFound', `There is no group called ${nameOrId}.`, {
    target: nameOrId,
    actions,
  });
}

/** Every unknown computer is named at once. A full id is taken even if the machine has not reported yet. */
async function computerIds(named: readonly string[], { depot }: AdminSession): Promise<string[]> {
  const ids: string[] = [];
  const unknown: string[] = [];
  for (const name of named) {
    const computer = await depot.store.computers.find(name);
    if (computer !== null) ids.push(computer.id);
    else if (COMPUTER_ID.test(name)) ids.push(name);
    else unknown.push(name);
  }
  if (unknown.length === 0) return ids;
  throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', `No computer has reported as ${unknown.join(', ')}.`, {
    target: unknown.join(','),
    actions: ['run d3 sync there first: machines are known by their reports'],
  });
}

async function shown({ id, name, body }: StoredDocument<GroupBody>, { depot }: AdminSession): Promise<Group> {
  const members: Group['members'] = [];
  for (const member of body.members)
    members.push({ id: member, name: (await depot.store.computers.find(member))?.name ?? null });
  return { id, name, description: body.description, members };
}

function refuseName(name: string): void {
  const why = nameProblem(name);
  if (why === null) return;
  throw new D3Error('GROUP_NAME', 'usage', `A group cannot be called "${name}": ${why}.`, { target: name });
}

/** @returns why a group cannot have this name, or null */
function nameProblem(name: string): string | null {
  if (/^(?:standard|none|n)$/i.test(name)) return 'that word has a meaning of its own';
  if (/^\d+$/.test(name)) return 'a number stands for an id';
  return NAME.test(name) && name.trim() === name ? null : 'a name is 1 to 100 characters on one line without commas';
}

function groups({ depot }: AdminSession) {
  return depot.store.documents('group');
}
