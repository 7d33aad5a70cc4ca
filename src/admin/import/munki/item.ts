import type { PlainPlist } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import type { ImageCopy } from '../types.ts';
import { KNOWN_KEYS } from './keys.ts';

/** A pkginfo as Munki means it; what it does not say is empty. */
export interface MunkiItem {
  /** Its pkginfo, below the repository. */
  from: string;
  name: string;
  version: string;
  displayName: string;
  description: string;
  developer: string;
  notes: string;
  category: string;
  catalogs: string[];
  /** Null: Munki takes the applications it installs. */
  blockingApplications: string[] | null;
  restartAction: string;
  minimumOs: string | null;
  maximumOs: string | null;
  architectures: string[];
  isUnattended: boolean;
  isUninstallable: boolean;
  uninstallMethod: string;
  scripts: Partial<Record<MunkiScript, string>>;
  unused: { days: number; bundleIds: string[] | null } | null;
  requires: string[];
  updateFor: string[];
  installableCondition: string | null;
  applications: { path: string; bundleId: string }[];
  installer: {
    type: string;
    location: string | null;
    sha256: string | null;
    kilobytes: number | null;
    /** The package in a disk image; null: the only one. */
    packagePath: string | null;
    /** What is copied out of a disk image. */
    copies: (ImageCopy & { owner: string; mode: string })[];
  };
  /** What else it says that is not empty. */
  others: { key: string; value: PlainPlist }[];
}

const MUNKI_SCRIPTS = [
  'installcheck_script',
  'preinstall_script',
  'postinstall_script',
  'uninstallcheck_script',
  'preuninstall_script',
  'uninstall_script',
  'postuninstall_script',
] as const;
export type MunkiScript = (typeof MUNKI_SCRIPTS)[number];

export type Dictionary = { [key: string]: PlainPlist };

/** How an item is called: by what people know it. */
export function itemName({ name, version }: Pick<MunkiItem, 'name' | 'version'>): string {
  return `${name} ${version}`;
}

/** @throws D3Error verificationFailed (33) naming the item and the key that is not what it should be */
export function readItem(plist: PlainPlist, from: string): MunkiItem {
  const said = dictionary(plist);
  if (said === null) throw wrong(from, 'it is no dictionary');
  const name = line(said['name']);
  const version = line(said['version']);
  if (name === null || name === '') throw wrong(from, 'it has no name');
  if (version === null || version === '') throw wrong(`${name} (${from})`, 'it has no version');
  const read = new Reader(said, `${name} ${version} (${from})`);
  return {
    from,
    name: name.normalize('NFC'),
    version,
    displayName: read.text('display_name').trim(),
    description: read.text('description').trim(),
    developer: read.text('developer').trim(),
    notes: read.text('notes').trim(),
    category: read.text('category').trim(),
    catalogs: read.texts('catalogs'),
    blockingApplications: 'blocking_applications' in said ? read.texts('blocking_applications') : null,
    restartAction: read.text('RestartAction'),
    minimumOs: read.text('minimum_os_version') || null,
    maximumOs: read.text('maximum_os_version') || null,
    architectures: read.texts('supported_architectures'),
    isUnattended: read.yes('unattended_install') || read.yes('forced_install'),
    isUninstallable: read.yes('uninstallable'),
    uninstallMethod: read.text('uninstall_method'),
    scripts: Object.fromEntries(
      MUNKI_SCRIPTS.map((key) => [key, read.text(key)]).filter(([, text]) => text !== ''),
    ) as MunkiItem['scripts'],
    unused: read.unused(),
    requires: read.texts('requires'),
    updateFor: read.texts('update_for'),
    installableCondition: read.text('installable_condition').trim() || null,
    applications: read.applications(),
    installer: {
      type: read.text('installer_type'),
      location: read.text('installer_item_location') || null,
      sha256: read.text('installer_item_hash').toLowerCase() || null,
      kilobytes: read.count('installer_item_size'),
      packagePath: read.text('package_path') || null,
      copies: read.copies(),
    },
    others: Object.entries(said)
      .filter(([key, value]) => !KNOWN_KEYS.has(key) && !isNothing(value))
      .map(([key, value]) => ({ key, value })),
  };
}

class Reader {
  readonly #said: Dictionary;
  readonly #item: string;

  constructor(said: Dictionary, item: string) {
    this.#said = said;
    this.#item = item;
  }

  text(key: string): string {
    const value = this.#said[key];
    if (value === undefined) return '';
    if (typeof value === 'number') return String(value);
    if (typeof value !== 'string') throw wrong(this.#item, `its ${key} is no text`);
    return value;
  }

  /** One text counts as a list of it, as it does to Munki. */
  texts(key: string): string[] {
    const value = this.#said[key];
    if (value === undefined) return [];
    const texts = textsIn(value);
    if (texts === null) throw wrong(this.#item, `its ${key} is no list of texts`);
    return texts;
  }

  yes(key: string): boolean {
    const value = this.#said[key];
    if (value === undefined || typeof value === 'boolean') return value === true;
    throw wrong(this.#item, `its ${key} is neither true nor false`);
  }

  count(key: string): number | null {
    const value = this.#said[key];
    if (value === undefined) return null;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw wrong(this.#item, `its ${key} is no number of kilobytes`);
  }

  unused(): MunkiItem['unused'] {
    const key = 'unused_software_removal_info';
    const value = this.#said[key];
    if (value === undefined) return null;
    const said = dictionary(value);
    const days = Number(said?.['removal_days'] ?? 0);
    const ids = said?.['bundle_ids'];
    const bundleIds = ids === undefined ? null : textsIn(ids);
    if (
      said === null ||
      !Number.isSafeInteger(days) ||
      days < 1 ||
      days > 1_000_000 ||
      (bundleIds === null) !== (ids === undefined)
    )
      throw wrong(this.#item, `its ${key} has no removal_days of at least 1, or bundle_ids that are no texts`);
    return { days, bundleIds };
  }

  /** What of `installs` and `items_to_copy` is an application. */
  applications(): MunkiItem['applications'] {
    const installs = this.#dictionaries('installs').flatMap((part) => {
      const path = line(part['path']) ?? '';
      const isApp = part['type'] === 'application' || (part['type'] === 'bundle' && path.endsWith('.app'));
      return isApp && path.startsWith('/') ? [{ path, bundleId: line(part['CFBundleIdentifier']) ?? '' }] : [];
    });
    if (installs.length > 0) return installs;
    return this.copies().flatMap(({ folder, name }) =>
      name.endsWith('.app') && folder.startsWith('/')
        ? [{ path: `${folder.replace(/\/+$/, '')}/${name}`, bundleId: '' }]
        : [],
    );
  }

  copies(): MunkiItem['installer']['copies'] {
    return this.#dictionaries('items_to_copy').map((part) => {
      const said = (key: string) => line(part[key]) ?? '';
      const source = said('source_item');
      const named = said('destination_item') || source;
      return {
        source,
        folder: said('destination_path'),
        name: named.slice(named.lastIndexOf('/') + 1),
        owner: `${said('user') || 'root'}:${said('group') || 'admin'}`,
        mode: said('mode'),
      };
    });
  }

  #dictionaries(key: string): Dictionary[] {
    const value = this.#said[key];
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw wrong(this.#item, `its ${key} is no list`);
    return value.map((part) => {
      const said = dictionary(part);
      if (said === null) throw wrong(this.#item, `its ${key} has something else than dictionaries in it`);
      return said;
    });
  }
}

/** A property list's dictionary; null when it is something else. */
export function dictionary(value: PlainPlist | undefined): Dictionary | null {
  if (typeof value !== 'object' || Array.isArray(value) || value instanceof Date || Buffer.isBuffer(value)) return null;
  return value;
}

/** A text or a list of them; null when it is something else. */
export function textsIn(value: PlainPlist | undefined): string[] | null {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return null;
  const texts = value.filter((part) => typeof part === 'string');
  return texts.length === value.length ? texts : null;
}

/** Text on one line, or a number as text: versions are written either way. Null when it is something else. */
function line(value: PlainPlist | undefined): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text.length <= 1_000 && !/\p{Cc}/u.test(text) ? text.trim() : null;
}

/** What says nothing: false, an empty text, list or dictionary. */
function isNothing(value: PlainPlist): boolean {
  if (value === false || value === '') return true;
  return Array.isArray(value) ? value.length === 0 : Object.keys(dictionary(value) ?? { x: 1 }).length === 0;
}

function wrong(item: string, why: string): D3Error {
  return new D3Error('MUNKI_ITEM', 'verificationFailed', `The pkginfo cannot be used: ${why}.`, {
    target: item,
    actions: ['mend it in the repository, and import again'],
  });
}
