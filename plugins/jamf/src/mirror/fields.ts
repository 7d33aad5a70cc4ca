import type { DepotEdition } from '@d3/sdk';
import type { JamfPackage, NewPackage } from '../connector/packages.ts';
import { fromJamf, toJamf } from './systems.ts';

/** What d3 owns of a package in Jamf Pro, as Jamf has it; everything else of it is Jamf's. A type, so that it is JSON. */
export type Owned = {
  packageName: string;
  fileName: string;
  /** `-1`: none. */
  categoryId: string;
  notes: string;
  osRequirements: string;
  rebootRequired: boolean;
};

const OWNED = [
  'packageName',
  'fileName',
  'categoryId',
  'notes',
  'osRequirements',
  'rebootRequired',
] as const satisfies readonly (keyof Owned)[];

/** What else a new package has to have. */
const STANDARD = {
  priority: 10,
  fillUserTemplate: false,
  osInstall: false,
  suppressUpdates: false,
  suppressFromDock: false,
  suppressEula: false,
  suppressRegistration: false,
};

/** An edition as a package of Jamf Pro. @param categoryId Jamf's, `-1` for none */
export function ownedBy(edition: DepotEdition, categoryId: string): Owned {
  return {
    packageName: edition.packageName,
    fileName: edition.file.name,
    categoryId,
    notes: edition.description,
    osRequirements: toJamf(edition.oses).list,
    rebootRequired: edition.reboot,
  };
}

export function newPackage(owned: Owned): NewPackage {
  return { ...STANDARD, ...owned };
}

/** The same of what Jamf has: what is empty there is empty in one way. */
export function ownedIn(jamf: JamfPackage): Owned {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const list = text(jamf['osRequirements'])
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return {
    packageName: jamf.packageName,
    fileName: jamf.fileName,
    categoryId: text(jamf['categoryId']) === '' ? '-1' : text(jamf['categoryId']),
    notes: text(jamf['notes']).replaceAll('\r\n', '\n'),
    osRequirements: list.join(', '),
    rebootRequired: jamf['rebootRequired'] === true,
  };
}

/** Fields that say something else; lists of systems that mean the same are the same. */
export function differing(a: Owned, b: Owned): (keyof Owned)[] {
  return OWNED.filter((field) => meaning(a, field) !== meaning(b, field));
}

function meaning(owned: Owned, field: keyof Owned): string | boolean {
  if (field !== 'osRequirements') return owned[field];
  const { limits, unknown } = fromJamf(owned.osRequirements);
  return [...limits, ...unknown].join(', ');
}

/** What Jamf has of some fields, as it would be typed to `d3admin edit`. @param category the name of Jamf's category; null: none */
export function typedFrom(
  jamf: Owned,
  fields: readonly (keyof Owned)[],
  category: string | null,
): { typed: Record<string, string>; unknown: string[] } {
  const { limits, unknown } = fromJamf(jamf.osRequirements);
  const all: Record<keyof Owned, [string, string]> = {
    packageName: ['packageName', jamf.packageName],
    fileName: ['filename', jamf.fileName],
    categoryId: ['category', category ?? 'none'],
    notes: ['description', jamf.notes],
    osRequirements: ['oses', limits.length === 0 ? 'none' : limits.join(',')],
    rebootRequired: ['reboot', jamf.rebootRequired ? 'y' : 'n'],
  };
  const typed = Object.fromEntries(fields.map((field) => all[field]));
  return { typed, unknown: fields.includes('osRequirements') ? unknown : [] };
}
