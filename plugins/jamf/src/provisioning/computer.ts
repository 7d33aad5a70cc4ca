import type { ComputerClaims, ProvisioningRecord } from '@d3/sdk';
import { attributesOf, findComputer, type JamfComputer, type Section } from '../connector/computers.ts';
import type { Caller } from '../connector/connection.ts';
import { getRecord } from '../connector/records.ts';

/** All that a record is made from: an extension attribute is shown where its definition says. */
const SECTIONS: readonly Section[] = [
  'GENERAL',
  'HARDWARE',
  'OPERATING_SYSTEM',
  'USER_AND_LOCATION',
  'PURCHASING',
  'EXTENSION_ATTRIBUTES',
];

/** How Jamf Pro says that there is none. */
export const NONE = '-1';

/** The names of what a computer's record names by id. */
export interface PlaceNames {
  department: string | null;
  building: string | null;
}

/** The computer with the first of these claims that one has: what is fixed to the machine counts before what it is called. */
export async function find(caller: Caller, claims: ComputerClaims): Promise<JamfComputer | null> {
  for (const by of ['serial', 'udid', 'name'] as const) {
    const value = claims[by] ?? '';
    const found = value === '' ? null : await findComputer(caller, by, value, SECTIONS);
    if (found !== null) return found;
  }
  return null;
}

/** Asks for the names of a computer's department and building: its record has their ids alone. */
export async function namesOf(caller: Caller, { userAndLocation }: JamfComputer): Promise<PlaceNames> {
  const nameOf = async (kind: 'department' | 'building', id: string | null | undefined) =>
    isNone(id) ? null : (await getRecord(caller, kind, id as string)).name;
  const [department, building] = await Promise.all([
    nameOf('department', userAndLocation?.departmentId),
    nameOf('building', userAndLocation?.buildingId),
  ]);
  return { department, building };
}

export function recordOf(computer: JamfComputer, places: PlaceNames): ProvisioningRecord {
  const site = computer.general?.site;
  const attributes = attributesOf(computer).map(({ definitionId, name, values }) => [
    name ?? definitionId,
    (values ?? []).join('\n'),
  ]);
  return {
    id: computer.id,
    name: computer.general?.name ?? '',
    ...places,
    site: isNone(site?.id) ? null : (site?.name ?? null),
    attributes: Object.fromEntries(attributes.filter(([, value]) => value !== '')),
  };
}

function isNone(id: string | null | undefined): boolean {
  return id === null || id === undefined || id === '' || id === NONE;
}
