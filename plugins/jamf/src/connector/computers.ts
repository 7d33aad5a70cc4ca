import { D3Error } from '@d3/sdk';
import type { Caller, Connected } from './connection.ts';
import { eachRow, quoted, readAll } from './pages.ts';

/** Sections that every version of the inventory has. */
export type Section =
  | 'GENERAL'
  | 'HARDWARE'
  | 'OPERATING_SYSTEM'
  | 'USER_AND_LOCATION'
  | 'PURCHASING'
  | 'PACKAGE_RECEIPTS'
  | 'EXTENSION_ATTRIBUTES'
  | 'GROUP_MEMBERSHIPS';

/** The value of an extension attribute on one computer. */
export interface AttributeValue {
  definitionId: string;
  name?: string;
  values?: string[] | null;
}

interface WithAttributes {
  extensionAttributes?: AttributeValue[] | null;
}

/** A computer as the inventory shows it; a section that was not asked for is null. */
export interface JamfComputer extends WithAttributes {
  id: string;
  udid?: string | null;
  general?: (WithAttributes & GeneralSection) | null;
  hardware?: (WithAttributes & { serialNumber?: string; macAddress?: string; altMacAddress?: string }) | null;
  operatingSystem?: (WithAttributes & { version?: string; build?: string }) | null;
  userAndLocation?: (WithAttributes & UserSection) | null;
  purchasing?: WithAttributes | null;
  packageReceipts?: { installedByJamfPro?: string[]; installedByInstallerSwu?: string[]; cached?: string[] } | null;
  groupMemberships?: { groupId: string; groupName: string; smartGroup: boolean }[] | null;
}

interface GeneralSection {
  name?: string;
  assetTag?: string;
  reportDate?: string;
  /** Of the newest inventory. */
  lastContact?: string;
  /** Of older ones. */
  lastContactTime?: string;
  site?: { id: string; name: string } | null;
  managementId?: string;
}

interface UserSection {
  username?: string;
  realname?: string;
  email?: string;
  departmentId?: string | null;
  buildingId?: string | null;
  room?: string;
}

/** What may be changed of a computer in one go; what is left out stays as it is. */
export interface ComputerChange {
  general?: { name?: string; assetTag?: string; siteId?: string };
  userAndLocation?: UserSection;
  extensionAttributes?: { definitionId: string; values: string[] }[];
}

/**
 * Every computer, as the pages come: no more than one page is held.
 * @param filter in RSQL, with fields the server knows
 */
export function eachComputer(
  caller: Caller,
  sections: readonly Section[],
  filter?: string,
): AsyncGenerator<JamfComputer> {
  const only = filter === undefined ? [] : ([['filter', filter]] as const);
  const wanted = sections.map((one) => ['section', one] as const);
  // Which ids there are is all that the second reading is for, and the smallest section is enough for that.
  return eachRow<JamfComputer>(caller, 'computers', [...wanted, ...only], [['section', 'PURCHASING'], ...only]);
}

/** The computer with that very serial number, UDID or name; null where there is none. */
export async function findComputer(
  caller: Caller,
  by: 'serial' | 'udid' | 'name',
  value: string,
  sections: readonly Section[],
): Promise<JamfComputer | null> {
  const field = { serial: 'hardware.serialNumber', udid: 'udid', name: 'general.name' }[by];
  const query = [
    ...[...new Set<Section>([...sections, 'GENERAL', 'HARDWARE'])].map((one) => ['section', one] as const),
    ['filter', `${field}==${quoted(value)}`] as const,
  ];
  const rows = await readAll<JamfComputer>(caller, 'computers', query);
  const found = rows.filter((one) => {
    const theirs = { serial: one.hardware?.serialNumber, udid: one.udid, name: one.general?.name }[by];
    return theirs?.toLowerCase() === value.toLowerCase();
  });
  if (found.length > 1)
    throw new D3Error(
      'JAMF_COMPUTER_TWICE',
      'refused',
      `${found.length} computers in Jamf Pro have the ${by} ${value}`,
      {
        target: value,
        actions: [`Look at the computers ${found.map(({ id }) => id).join(', ')} in Jamf Pro.`],
      },
    );
  return found[0] ?? null;
}

/** One computer with all its sections. @throws D3Error notFound (34) */
export async function readComputer(caller: Caller, id: string): Promise<JamfComputer> {
  return (await caller.call('computer', { params: { id } })) as JamfComputer;
}

/** Writes into a computer, all in one request. */
export async function changeComputer(connection: Connected, id: string, change: ComputerChange): Promise<void> {
  await connection.sequence(async (caller) => caller.call('changeComputer', { params: { id }, json: change }));
}

/** Each value of an extension attribute, wherever its definition has it shown. */
export function attributesOf(computer: JamfComputer): AttributeValue[] {
  const { general, hardware, operatingSystem, userAndLocation, purchasing } = computer;
  const shown = [computer, general, hardware, operatingSystem, userAndLocation, purchasing];
  const all = shown.flatMap((one) => one?.extensionAttributes ?? []);
  return [...new Map(all.map((one) => [one.definitionId, one])).values()];
}

/** When a computer last spoke with the server, under the name its version has for that; null where it never did. */
export function lastContactOf({ general }: JamfComputer): string | null {
  return general?.lastContact ?? general?.lastContactTime ?? null;
}

/** The field a server filters the last contact by; servers before 11.30 know it by another name. */
export async function lastContactField(caller: Caller): Promise<'general.lastContact' | 'general.lastContactTime'> {
  if (caller.taken('computers') === null) await caller.call('computers', { query: [['page-size', '1']] });
  return caller.taken('computers')?.startsWith('/v4/') === true ? 'general.lastContact' : 'general.lastContactTime';
}
