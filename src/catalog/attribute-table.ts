import type { TypedAttributes } from './attributes.ts';
import { firmExpirationText } from './firm-expiration.ts';
import type { EditionAttributes, ScriptSlot } from './types.ts';

/** What an attribute's value is chosen from, where there is a list to choose from. */
export type Choices =
  | 'groups'
  | 'scripts'
  | 'categories'
  | 'processors'
  | 'yes-no'
  | 'package-scripts'
  | 'setuid'
  | null;

/** One attribute as a person meets it. */
export interface AttributeRow {
  key: keyof TypedAttributes;
  label: string;
  /** A sentence or two for whoever is asked for it. */
  explanation: string;
  /** Whether `none` clears it. */
  none: boolean;
  choices: Choices;
  /** Several values, separated by commas. */
  list: boolean;
}

const row = (
  key: keyof TypedAttributes,
  label: string,
  explanation: string,
  more: Partial<Omit<AttributeRow, 'key' | 'label' | 'explanation'>> = {},
): AttributeRow => ({ key, label, explanation, none: false, choices: null, list: false, ...more });

const clearable = { none: true };
const listed = { none: true, list: true };
const group = { ...listed, choices: 'groups' } as const;
const script = { none: true, choices: 'scripts' } as const;
const yesNo = { choices: 'yes-no' } as const;

/** Every attribute an admin can set, in the order of the ancestor's menus. */
export const ATTRIBUTE_TABLE: readonly AttributeRow[] = [
  row(
    'version',
    'Version',
    'The version of what is installed. Spaces become underscores; a new version begins at revision 1.',
  ),
  row('revision', 'Revision', 'Which package of this version it is: a whole number, from 1.'),
  row('packageName', 'Package name', 'The name people see. No two editions have the same.'),
  row('description', 'Description', 'What it is, what it is for, and where it comes from.'),
  row('filename', 'File name', 'What the package file is called. No two editions have the same.'),
  row('category', 'Category', 'One of the categories of the depot.', { ...clearable, choices: 'categories' }),
  row('oses', 'OS limits', 'Systems it is for, any of which suffices: >=14.2, 14.x, 13, "debian 12".', listed),
  row('cpu', 'Processor', 'The processor it is for: x86_64 or arm64.', { ...clearable, choices: 'processors' }),
  row('reboot', 'Needs restart', 'Machines put it in a queue, and install it when they are to restart.', yesNo),
  row('removable', 'Removable', 'Whether it can be uninstalled.', yesNo),
  row(
    'removeFirst',
    'Remove first',
    'Whether the installed edition is uninstalled before this one is installed.',
    yesNo,
  ),
  row(
    'prohibitingProcesses',
    'Prohibiting processes',
    'While one of these runs it is neither installed nor removed: full names of processes.',
    listed,
  ),
  row('autoGroups', 'Auto groups', 'Groups whose computers get it by themselves; standard is every computer.', group),
  row('excludedGroups', 'Excluded groups', 'Groups whose computers do not get it.', group),
  row(
    'preInstall',
    'Pre-install script',
    'Runs before an install and can refuse it: a script of the depot by name or id, or a file to take in.',
    script,
  ),
  row(
    'postInstall',
    'Post-install script',
    'Runs after an install: a script of the depot by name or id, or a file to take in.',
    script,
  ),
  row(
    'preRemove',
    'Pre-remove script',
    'Runs before a removal and can refuse it: a script of the depot by name or id, or a file to take in.',
    script,
  ),
  row(
    'postRemove',
    'Post-remove script',
    'Runs after a removal: a script of the depot by name or id, or a file to take in.',
    script,
  ),
  row('expiration', 'Expiration', 'Days without use after which it is removed; 0 is never.', clearable),
  row(
    'expirationPaths',
    'Expiration paths',
    'Absolute paths of apps; bringing one to the front counts as use.',
    listed,
  ),
  row(
    'firmExpiration',
    'Firm expiration',
    'When it is removed whether it is used or not: its last day (2027-06-30), or days after the install.',
    clearable,
  ),
  row(
    'packageScripts',
    'Scripts in the package',
    'Where no installer of the system runs them: refuse the package, or ignore them.',
    { choices: 'package-scripts' },
  ),
  row('setuid', 'Setuid bits', 'Whether setuid and setgid bits of its files are dropped or kept.', {
    choices: 'setuid',
  }),
];

/** An edition as far as its attributes go. */
export interface Attributed extends EditionAttributes {
  version: string;
  revision: number;
  file: { name: string };
}

const SLOTS: readonly string[] = ['preInstall', 'postInstall', 'preRemove', 'postRemove'] satisfies ScriptSlot[];

/** An attribute's value as it would be typed to get it; `none` for an empty one that can be cleared. */
export function attributeText(
  key: keyof TypedAttributes,
  edition: Attributed,
  groupName: (id: number) => string,
): string {
  if (key === 'filename') return edition.file.name;
  if (key === 'oses') return orNone(edition.oses.join(','));
  if (key === 'firmExpiration') return firmExpirationText(edition.firmExpiration);
  if (key === 'autoGroups' || key === 'excludedGroups')
    return orNone(edition[key].map((ref) => (ref === 'standard' ? ref : groupName(ref))).join(','));
  if (SLOTS.includes(key)) return edition[key as ScriptSlot]?.name ?? 'none';
  const value = edition[key as Exclude<keyof TypedAttributes, 'filename' | 'firmExpiration' | ScriptSlot>];
  if (typeof value === 'boolean') return value ? 'y' : 'n';
  if (value === null) return 'none';
  return Array.isArray(value) ? orNone(value.join(',')) : String(value);
}

function orNone(text: string): string {
  return text === '' ? 'none' : text;
}
