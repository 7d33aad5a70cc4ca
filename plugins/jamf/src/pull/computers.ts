import { type AdminPort, D3Error, type DepotComputer, type DepotDocument, type DocumentBody, type Json } from '@d3/sdk';
import { attributesOf, eachComputer, type JamfComputer, type Section } from '../connector/computers.ts';
import type { Connected } from '../connector/connection.ts';
import type { Links } from './links.ts';
import type { AttributeIds, Reports } from './reports.ts';
import type { Pulled } from './result.ts';

const SECTIONS: readonly Section[] = [
  'GENERAL',
  'HARDWARE',
  'OPERATING_SYSTEM',
  'USER_AND_LOCATION',
  'PURCHASING',
  'EXTENSION_ATTRIBUTES',
];

/** What Jamf says of a computer that d3 keeps; a type, so that it is JSON. */
type Said = {
  name: string | null;
  department: number | null;
  building: number | null;
  site: number | null;
  attributes: Readonly<Record<string, string>>;
};

/** Computers of Jamf that d3 does not know, by Jamf's id: what they could be known by. */
type Unknown = Record<string, [name: string, serial: string | null, udid: string | null]>;

interface Parts {
  connection: Connected;
  admin: AdminPort;
  links: Links;
  reports: Reports;
  attributes: AttributeIds;
  dryRun: boolean;
  signal: AbortSignal;
  /** Only those whose inventory is newer, ISO 8601; null: all. */
  since: string | null;
}

/** Brings what Jamf says of computers to those d3 knows: as the pages come, none is held longer than it takes. */
export async function pullComputers(parts: Parts): Promise<Pulled['computers']> {
  const { connection, admin, links, reports, attributes, since, signal } = parts;
  const result: Pulled['computers'] = { read: 0, linked: 0, changed: 0, unknown: [], gone: [], conflicts: [] };
  const records = new Map((await admin.documents('computer').list()).map((one) => [one.name, one]));
  let known = claimsOf(await admin.computers());
  const unknown: Unknown = since === null ? {} : { ...((links.memory['unknown'] ?? {}) as unknown as Unknown) };
  const seen = new Set<string>();
  let newest = (links.memory['newest'] ?? null) as string | null;
  const filter = since === null ? undefined : `general.reportDate=ge=${JSON.stringify(since)}`;
  for await (const computer of eachComputer(connection, SECTIONS, filter)) {
    signal.throwIfAborted();
    result.read += 1;
    seen.add(computer.id);
    newest = later(newest, computer.general?.reportDate ?? null);
    const { name, serial, udid } = claimsIn(computer);
    // What a report says of itself makes a computer known.
    const taken = await reports.take(computer, attributes, links.of('computer', computer.id));
    if (taken) known = claimsOf(await admin.computers());
    const found = whoIs(serial, udid, known);
    delete unknown[computer.id];
    if (typeof found !== 'string') {
      if (found === null) unknown[computer.id] = [name, serial, udid];
      else result.conflicts.push({ name, why: `it may be any of ${found.join(', ')}` });
      continue;
    }
    try {
      if (await tell(computer, found, records, parts, result)) result.changed += 1;
    } catch (error) {
      if (!(error instanceof D3Error) || !error.code.startsWith('DOCUMENT_')) throw error;
      result.conflicts.push({ name, why: error.message });
    }
  }
  if (since === null) {
    for (const { jamf, name } of links.all('computer')) {
      if (seen.has(jamf)) continue;
      result.gone.push(name);
      await links.drop('computer', jamf);
    }
  }
  // Those that reported since are told of when they are read again, which is now.
  const again = Object.entries(unknown).filter(
    ([id, [, serial, udid]]) => !seen.has(id) && typeof whoIs(serial, udid, known) === 'string',
  );
  for (let at = 0; at < again.length; at += AT_ONCE) {
    const ids = again.slice(at, at + AT_ONCE).map(([id]) => id);
    for await (const computer of eachComputer(connection, SECTIONS, `id=in=(${ids.join(',')})`)) {
      const { serial, udid } = claimsIn(computer);
      const found = whoIs(serial, udid, known);
      if (typeof found !== 'string') continue;
      result.read += 1;
      delete unknown[computer.id];
      if (await tell(computer, found, records, parts, result)) result.changed += 1;
    }
  }
  result.unknown = Object.entries(unknown).map(([jamf, [name, serial]]) => ({ jamf, name, serial }));
  result.linked = links.all('computer').length;
  // Only when all of them were read: a cut reads them again.
  await links.remember({ ...links.memory, newest, unknown });
  return result;
}

/** Of two times of the server, the later. */
function later(a: string | null, b: string | null): string | null {
  if (b === null || Number.isNaN(Date.parse(b))) return a;
  return a === null || Date.parse(b) > Date.parse(a) ? b : a;
}

/** Ids in one filter: an address has its limits. */
const AT_ONCE = 50;

/** @returns whether its record changed */
async function tell(
  computer: JamfComputer,
  id: string,
  records: Map<string, DepotDocument>,
  { admin, links, reports, dryRun }: Parts,
  result: Pulled['computers'],
): Promise<boolean> {
  const link = links.of('computer', computer.id);
  const { name } = claimsIn(computer);
  const said = saidOf(computer, links);
  const record = records.get(id);
  const { body, changed, conflicts } = merged(record?.body ?? null, (link?.seen['was'] ?? null) as Said | null, said);
  for (const field of conflicts)
    result.conflicts.push({ name, why: `its ${field} was changed here and in Jamf Pro: here it stays` });
  if (changed && !dryRun) {
    const documents = admin.documents('computer');
    const written =
      record === undefined
        ? await documents.create(id, body)
        : await documents.update(record.id, record.generation, { body });
    records.set(id, written);
  }
  const report = reports.hashOf(computer.id) ?? link?.seen['report'] ?? null;
  await links.set({
    what: 'computer',
    jamf: computer.id,
    target: id,
    name,
    seen: { was: said, ...(report === null ? {} : { report }) },
  });
  return changed;
}

/** What d3 keeps of a computer after Jamf said something: only what Jamf changed since it was the same. Pure. */
export function merged(
  here: DocumentBody | null,
  was: Said | null,
  said: Said,
): { body: DocumentBody; changed: boolean; conflicts: string[] } {
  const before = (here ?? {
    schema: 'd3/computer@1',
    name: null,
    department: null,
    building: null,
    site: null,
    attributes: {},
  }) as DocumentBody & Said;
  const body = { ...before, attributes: { ...before.attributes } } as DocumentBody & {
    attributes: Record<string, string>;
  };
  const conflicts: string[] = [];
  const settle = (field: string, ours: Json, theirs: Json, last: Json | undefined, put: () => void) => {
    if (theirs === ours || theirs === last) return;
    // Never seen before: what stands here was said by somebody.
    const untouched = last === undefined ? ours === null : ours === last;
    if (untouched) put();
    else conflicts.push(field);
  };
  for (const field of ['name', 'department', 'building', 'site'] as const)
    settle(field, before[field], said[field], was === null ? undefined : was[field], () =>
      Object.assign(body, { [field]: said[field] }),
    );
  for (const id of new Set([...Object.keys(said.attributes), ...Object.keys(was?.attributes ?? {})])) {
    const theirs = said.attributes[id] ?? null;
    settle(
      `attribute ${id}`,
      before.attributes[id] ?? null,
      theirs,
      was === null ? undefined : (was.attributes[id] ?? null),
      () => {
        if (theirs === null) delete body.attributes[id];
        else body.attributes[id] = theirs;
      },
    );
  }
  const changed = JSON.stringify(body) !== JSON.stringify(before);
  return { body, changed, conflicts };
}

function saidOf(computer: JamfComputer, links: Links): Said {
  const { departmentId, buildingId } = computer.userAndLocation ?? {};
  const name = computer.general?.name?.trim() ?? '';
  const attributes = attributesOf(computer).flatMap(({ definitionId, values }) => {
    const target = links.target('ea', definitionId);
    const value = (values ?? []).join(' ').trim();
    // What does not fit on a line of 255 characters is nobody's choice, and decides no group.
    return target === null || !/^[^\p{Cc}]{1,255}$/u.test(value) ? [] : [[String(target), value] as const];
  });
  return {
    name: /^[^,\p{Cc}]{1,255}$/u.test(name) ? name : null,
    department: links.target('department', departmentId),
    building: links.target('building', buildingId),
    site: links.target('site', computer.general?.site?.id),
    attributes: Object.fromEntries(attributes.toSorted(([a], [b]) => Number(a) - Number(b))),
  };
}

function claimsIn({ id, udid, general, hardware }: JamfComputer) {
  const serial = hardware?.serialNumber?.trim() ?? '';
  return {
    name: general?.name?.trim() || `computer ${id}`,
    serial: serial === '' ? null : serial.toUpperCase(),
    udid: udid?.trim() ? udid.trim().toUpperCase() : null,
  };
}

interface Claims {
  serial: Map<string, Set<string>>;
  udid: Map<string, Set<string>>;
}

function claimsOf(computers: readonly DepotComputer[]): Claims {
  const claims: Claims = { serial: new Map(), udid: new Map() };
  const note = (map: Map<string, Set<string>>, key: string | null, id: string) => {
    if (key !== null && key.trim() !== '')
      map.set(key.trim().toUpperCase(), (map.get(key.trim().toUpperCase()) ?? new Set()).add(id));
  };
  for (const { id, claims: said } of computers) {
    note(claims.serial, said.serial, id);
    note(claims.udid, said.hardwareUuid, id);
  }
  return claims;
}

/** The computer of d3 that makes one of these claims; null: none; several: it cannot be told. */
function whoIs(serial: string | null, udid: string | null, known: Claims): string | string[] | null {
  const found = new Set([
    ...((serial === null ? null : known.serial.get(serial)) ?? []),
    ...((udid === null ? null : known.udid.get(udid)) ?? []),
  ]);
  if (found.size === 0) return null;
  const [first] = found;
  return found.size === 1 ? (first as string) : [...found].sort();
}
