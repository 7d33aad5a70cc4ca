import { sectionsOf } from './contract.ts';
import type { Json, Row } from './lists.ts';

/** What else of the server a row of the inventory shows. */
export interface Around {
  groupsOf(computer: string): Row[];
  /** Definitions of extension attributes. */
  attributes(): Row[];
  sites(): Row[];
  buildings(): Row[];
  departments(): Row[];
}

/** A change that a server does not take. */
export class BadChange extends Error {}

/** Where an extension attribute is shown, by what its definition says. */
const SHOWN_IN: Readonly<Record<string, string>> = {
  GENERAL: 'general',
  HARDWARE: 'hardware',
  OPERATING_SYSTEM: 'operatingSystem',
  USER_AND_LOCATION: 'userAndLocation',
  PURCHASING: 'purchasing',
};
const INPUT: Readonly<Record<string, string>> = { DIRECTORY_SERVICE_ATTRIBUTE_MAPPING: 'LDAP' };
const DATA: Readonly<Record<string, string>> = { DATE: 'DATE_TIME' };

/** A computer as one version of the inventory shows it. @param sections null for all of them */
export function shown(computer: Row, version: string, sections: readonly string[] | null, around: Around): Row {
  const wanted = new Set(sections?.map(fieldOf));
  const row: Row = { id: computer.id, udid: computer['udid'] ?? `udid-${computer.id}` };
  for (const [field, list] of sectionsOf(version)) {
    if (sections !== null && !wanted.has(field)) row[field] = null;
    else if (field === 'groupMemberships') row[field] = computer[field] ?? around.groupsOf(computer.id);
    else if (field === 'general') row[field] = generalOf(computer, version);
    else row[field] = computer[field] ?? (list ? [] : {});
  }
  return row;
}

/** Writes a change into a computer. @throws BadChange */
export function change(computer: Row, sent: Json, around: Around): void {
  const { general, userAndLocation, extensionAttributes, udid, ...others } = sent as Record<string, Json>;
  const { siteId, extensionAttributes: inGeneral, managed, ...rest } = general ?? {};
  if (userAndLocation !== undefined) {
    requireKnown('departmentId', userAndLocation['departmentId'], around.departments());
    requireKnown('buildingId', userAndLocation['buildingId'], around.buildings());
  }
  if (siteId !== undefined) requireKnown('siteId', siteId, around.sites());
  const values = [extensionAttributes, inGeneral].flatMap((one) => (one ?? []) as unknown as Json[]);
  const definitions = values.map((one) => definitionFor(one, around));
  if (udid !== undefined) computer['udid'] = udid;
  const site = around.sites().find(({ id }) => id === siteId);
  computer['general'] = {
    ...(computer['general'] as Json | undefined),
    ...rest,
    ...(managed === undefined ? {} : { remoteManagement: { managed } }),
    ...(siteId === undefined ? {} : { site: { id: siteId, name: site?.['name'] ?? 'None' } }),
  };
  const { extensionAttributes: inUser, ...user } = userAndLocation ?? {};
  computer['userAndLocation'] = { ...(computer['userAndLocation'] as Json | undefined), ...user };
  for (const [field, one] of Object.entries(others))
    computer[field] = { ...(computer[field] as Json | undefined), ...one };
  if (inUser !== undefined) throw new BadChange('extension attributes of userAndLocation: use the list');
  for (const [index, definition] of definitions.entries())
    setAttribute(computer, definition, values[index]?.['values']);
}

function fieldOf(section: string): string {
  return section.toLowerCase().replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function generalOf(computer: Row, version: string): Json {
  const { lastCheckIn, lastContact, ...rest } = {
    name: `computer-${computer.id}`,
    ...(computer['general'] as Json | undefined),
  } as Json;
  if (version === 'v4')
    return { ...rest, ...(lastCheckIn ? { lastCheckIn } : {}), ...(lastContact ? { lastContact } : {}) };
  return { ...rest, ...(lastContact ? { lastContactTime: lastContact } : {}) };
}

function requireKnown(field: string, id: unknown, rows: readonly Row[]): void {
  if (id === undefined || id === null || id === '-1' || rows.some((row) => row.id === id)) return;
  throw new BadChange(`${field}: ${JSON.stringify(id)} is not there`);
}

function definitionFor(sent: Json, around: Around): Row {
  const definition = around.attributes().find(({ id }) => id === sent['definitionId']);
  if (definition === undefined) throw new BadChange(`no extension attribute ${String(sent['definitionId'])}`);
  if (definition['inputType'] === 'SCRIPT') throw new BadChange(`${String(definition['name'])} is a script's`);
  const choices = definition['popupMenuChoices'] as string[] | undefined;
  const values = (sent['values'] ?? []) as string[];
  if (definition['inputType'] === 'POPUP' && values.some((one) => one !== '' && choices?.includes(one) !== true))
    throw new BadChange(`${values.join(', ')} is no choice of ${String(definition['name'])}`);
  return definition;
}

function setAttribute(computer: Row, definition: Row, values: unknown): void {
  const section = SHOWN_IN[String(definition['inventoryDisplayType'])];
  const holder = section === undefined ? computer : { ...(computer[section] as Json | undefined) };
  const before = (holder['extensionAttributes'] ?? []) as Json[];
  const value = {
    definitionId: definition.id,
    name: definition['name'],
    description: definition['description'] ?? '',
    enabled: true,
    multiValue: false,
    values,
    dataType: DATA[String(definition['dataType'])] ?? definition['dataType'],
    options: definition['popupMenuChoices'] ?? [],
    inputType: INPUT[String(definition['inputType'])] ?? definition['inputType'],
  };
  holder['extensionAttributes'] = [...before.filter((one) => one['definitionId'] !== definition.id), value];
  if (section !== undefined) computer[section] = holder;
}
