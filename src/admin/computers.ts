import { D3Error, Problems } from '@d3/sdk';
import type { RecordFact } from '../catalog/criteria.ts';
import { RECORD_FACTS } from '../catalog/criteria.ts';
import type { ComputerBody, ReportedQueued, ReportedReceipt } from '../depot/contract.ts';
import { endsSoon, Fleet, type FleetComputer, type StoredDocument } from '../depot/index.ts';
import { readCriteria } from './criteria.ts';
import { documentMeant } from './documents.ts';
import { eaValue } from './eas.ts';
import { groupsOf } from './groups.ts';
import { type AdminSession, publish } from './session.ts';

/** A computer as lists show it. */
export interface ListedComputer {
  id: string;
  /** As admins call it, else as it calls itself. */
  name: string;
  /** As it calls itself. */
  reportedName: string;
  serial: string | null;
  os: { name: string; version: string };
  cpu: string;
  d3: string;
  /** ISO 8601, UTC. */
  lastContact: string;
  /** Whole days since then. */
  age: number;
  department: string | null;
  building: string | null;
  site: string | null;
}

/** Everything that is known of a computer. */
export interface ShownComputer extends ListedComputer {
  firstContact: string;
  hardwareUuid: string | null;
  macs: string[];
  model: string | null;
  provisioning: Record<string, string>;
  /** Values of extension attributes by name. */
  attributes: Record<string, string>;
  groups: string[];
  receipts: ReportedReceipt[];
  queue: ReportedQueued[];
  /** When the catalog it had at its newest report expires, ISO 8601; null: it had none, or does not say. */
  catalogExpires: string | null;
  /** How long that still is, in words, when it is near; it acts on nothing afterwards. */
  catalogEndsIn: string | null;
}

/** What an admin says of a computer; `none` clears. */
export interface ComputerChanges {
  name?: string | undefined;
  department?: string | undefined;
  building?: string | undefined;
  site?: string | undefined;
  /** `NAME=VALUE` each; an empty value clears. */
  eas?: readonly string[] | undefined;
}

/** @param where criteria as of a smart group; absent: all */
export async function listComputers(where: string | undefined, session: AdminSession): Promise<ListedComputer[]> {
  const criteria = where === undefined ? null : await readCriteria(where, session);
  const fleet = await Fleet.of(session);
  if (criteria !== null) await fleet.reading([{ schema: 'd3/group@1', kind: 'smart', description: '', criteria }]);
  const places = await placeNames(session);
  return fleet.computers
    .filter((computer) => criteria === null || fleet.meets(criteria, computer))
    .map((computer) => listed(computer, places));
}

export async function showComputer(word: string, session: AdminSession): Promise<ShownComputer> {
  const fleet = await Fleet.of(session);
  return shown(fleet.find(word), fleet, session);
}

/** @throws D3Errors every problem at once: nothing is changed then */
export async function editComputer(
  word: string,
  changes: ComputerChanges,
  session: AdminSession,
): Promise<{ computer: ShownComputer; changed: boolean }> {
  const fleet = await Fleet.of(session);
  const found = fleet.find(word);
  const { record } = found;
  const before = record?.body ?? NOTHING_SAID;
  const body = await changedBody(found, before, changes, fleet, session);
  const changed = JSON.stringify(body) !== JSON.stringify(before);
  if (changed) {
    const documents = session.depot.store.documents('computer');
    if (record === null) await documents.create(found.id, body, session.admin);
    else await documents.update(record.id, record.generation, { body }, session.admin);
    await publish(session);
  }
  return { computer: await showComputer(found.id, session), changed };
}

/** What {@link deleteComputer} would delete. */
export interface ComputerToDelete {
  computer: FleetComputer;
  /** Static groups that have it. */
  groups: string[];
}

export async function computerToDelete(word: string, session: AdminSession): Promise<ComputerToDelete> {
  const computer = (await Fleet.of(session)).find(word);
  const groups = (await session.depot.store.documents('group').list()).filter(
    ({ body }) => body.kind === 'static' && body.members.includes(computer.id),
  );
  return { computer, groups: groups.map(({ name }) => name) };
}

/** Takes it out of static groups, then what admins said of it, then its reports: a cut in between is mended by repeating. */
export async function deleteComputer({ computer }: ComputerToDelete, session: AdminSession): Promise<void> {
  const { store } = session.depot;
  const { id } = computer;
  const groups = store.documents('group');
  for (const { id: group, generation, body } of await groups.list()) {
    if (body.kind !== 'static' || !body.members.includes(id)) continue;
    const members = body.members.filter((member) => member !== id);
    await groups.update(group, generation, { body: { ...body, members } }, session.admin);
  }
  const record: StoredDocument<ComputerBody> | null = await store.documents('computer').byName(id);
  if (record !== null) await store.documents('computer').remove(record.id, record.generation, session.admin);
  await store.computers.remove(id, session.admin);
  await publish(session);
}

const NOTHING_SAID: ComputerBody = {
  schema: 'd3/computer@1',
  name: null,
  department: null,
  building: null,
  site: null,
  attributes: {},
};

async function changedBody(
  computer: FleetComputer,
  before: ComputerBody,
  changes: ComputerChanges,
  fleet: Fleet,
  session: AdminSession,
): Promise<ComputerBody> {
  const problems = new Problems();
  const body: ComputerBody = { ...before, attributes: { ...before.attributes } };
  const { name } = changes;
  if (name !== undefined) {
    await problems.attempt(async () => {
      body.name = isNone(name) ? null : nameFor(computer, name, fleet);
    });
  }
  for (const kind of RECORD_FACTS) {
    const typed = changes[kind];
    if (typed === undefined) continue;
    await problems.attempt(async () => {
      const documents = session.depot.store.documents(kind);
      body[kind] = isNone(typed) ? null : (await documentMeant(kind, typed, documents)).id;
    });
  }
  for (const pair of changes.eas ?? []) {
    await problems.attempt(async () => {
      const at = pair.indexOf('=');
      if (at < 1) throw new D3Error('EA_PAIR', 'usage', `"${pair}" must be NAME=VALUE.`, { target: '--ea' });
      const ea = await documentMeant('ea', pair.slice(0, at).trim(), session.depot.store.documents('ea'));
      const value = pair.slice(at + 1).trim();
      if (value === '') delete body.attributes[String(ea.id)];
      else body.attributes[String(ea.id)] = eaValue(ea, value);
    });
  }
  problems.throwAll();
  return body;
}

function nameFor({ id }: FleetComputer, name: string, fleet: Fleet): string {
  const wrong = (why: string, exit: 'usage' | 'refused') =>
    new D3Error('COMPUTER_NAME', exit, `A computer cannot be called "${name}": ${why}.`, { target: '--name' });
  if (name.trim() !== name || !/^[^,\p{Cc}]{1,255}$/u.test(name))
    throw wrong('a name is 1 to 255 characters on one line without commas', 'usage');
  const twin = fleet.computers.find(
    (other) =>
      other.id !== id && [other.shownName, other.name].some((known) => known.toLowerCase() === name.toLowerCase()),
  );
  if (twin !== undefined) throw wrong(`${twin.id} is called so`, 'refused');
  return name;
}

type PlaceNames = Readonly<Record<RecordFact, ReadonlyMap<number, string>>>;

async function placeNames({ depot }: AdminSession): Promise<PlaceNames> {
  const names = async (kind: RecordFact) =>
    new Map((await depot.store.documents(kind).list()).map(({ id, name }) => [id, name] as const));
  return { department: await names('department'), building: await names('building'), site: await names('site') };
}

function listed(computer: FleetComputer, places: PlaceNames): ListedComputer {
  const { id, shownName, name, claims, os, cpu, d3, lastContact, age, record } = computer;
  const place = (kind: RecordFact) => {
    const said = record?.body[kind] ?? null;
    return said === null ? null : (places[kind].get(said) ?? null);
  };
  return {
    id,
    name: shownName,
    reportedName: name,
    serial: claims.serial,
    os,
    cpu,
    d3,
    lastContact,
    age,
    department: place('department'),
    building: place('building'),
    site: place('site'),
  };
}

async function shown(computer: FleetComputer, fleet: Fleet, session: AdminSession): Promise<ShownComputer> {
  const { store } = session.depot;
  const [newest] = await store.computers.reports(computer.id);
  const said = computer.record?.body.attributes ?? {};
  const eas = (await store.documents('ea').list()).flatMap(({ id, name }) => {
    const value = said[String(id)];
    return value === undefined ? [] : [[name, value] as const];
  });
  const { hardwareUuid, macs } = computer.claims;
  return {
    ...listed(computer, await placeNames(session)),
    firstContact: computer.firstContact,
    hardwareUuid,
    macs,
    model: newest?.model ?? null,
    provisioning: newest?.provisioning ?? {},
    attributes: Object.fromEntries(eas),
    groups: (await groupsOf(computer, fleet, session)).map(({ name }) => name),
    receipts: await store.computers.receipts(computer.id),
    queue: await store.computers.queue(computer.id),
    ...(await catalogEnd(newest?.catalogExpires, session)),
  };
}

/** Whether the catalog a computer had when it reported is near its end. */
export async function catalogEnd(
  catalogExpires: string | undefined,
  { depot, clock }: Pick<AdminSession, 'depot' | 'clock'>,
): Promise<Pick<ShownComputer, 'catalogExpires' | 'catalogEndsIn'>> {
  if (catalogExpires === undefined) return { catalogExpires: null, catalogEndsIn: null };
  const last = await depot.store.publication.last();
  return { catalogExpires, catalogEndsIn: endsSoon(catalogExpires, last?.days, clock.now()) };
}

function isNone(text: string): boolean {
  return text === 'n' || text.toLowerCase() === 'none';
}
