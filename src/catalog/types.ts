import type { Json } from '@d3/sdk';
import type { CatalogCriteria } from './criteria.ts';

/** The words of the catalog. Pure data; every other part of d3 speaks in these. */

/** Stored statuses. `missing` (its file is gone) is derived on read; `archived` editions are out of the catalog. */
export type StoredStatus = 'pilot' | 'live' | 'deprecated' | 'skipped';
export type Status = StoredStatus | 'missing' | 'archived';

export type PackageFormat = 'pkg' | 'dmg' | 'deb';
export type Cpu = 'x86_64' | 'arm64';

/** A script as an edition pins it: by content, so that a later edit of the script changes nothing already published. */
export interface ScriptPin {
  /** Id of the script document. */
  id: number;
  name: string;
  /** Lower-case hex SHA-256 of the script's bytes; names its blob. */
  sha256: string;
  /** Bytes. */
  size: number;
}

export type ScriptSlot = 'preInstall' | 'postInstall' | 'preRemove' | 'postRemove';

export interface PackageFile {
  /** File name as machines and admins see it, e.g. `transmogrifier-2.1.2-1.pkg`. */
  name: string;
  /** Lower-case hex SHA-256 of the file; names its blob. */
  sha256: string;
  /** Bytes. */
  size: number;
  format: PackageFormat;
}

/** Identifier of an Apple package inside a file (its PackageInfo), kept to propose the next one and to detect installs. */
export interface ApplePackage {
  id: string;
  version: string;
  /** Kilobytes when installed, as the package declares them. */
  installedKb: number;
}

/** A Debian package, as its control file says: kept to check a machine against before anything is done there. */
export interface DebianPackage {
  name: string;
  version: string;
  /** Debian's word for a processor, or `all`. */
  architecture: string;
  /** Pre-Depends and Depends, as written; empty: it needs nothing. */
  depends: string;
  /** Kilobytes when installed, as it declares them. */
  installedKb: number;
}

/** What an admin can set on an edition. */
export interface EditionAttributes {
  /** Display name; the edition string unless set. */
  packageName: string;
  category: string | null;
  description: string;
  /** OS limits, any of which suffices: `>=10.9.5`, `10.9.x`, `13`, `debian 12`. Empty: no limit. */
  oses: string[];
  cpu: Cpu | null;
  /** Needs a restart after installing. */
  reboot: boolean;
  removable: boolean;
  removeFirst: boolean;
  prohibitingProcesses: string[];
  /** Ids of group documents, or exactly `['standard']` for all machines. */
  autoGroups: GroupRef[];
  excludedGroups: GroupRef[];
  preInstall: ScriptPin | null;
  postInstall: ScriptPin | null;
  preRemove: ScriptPin | null;
  postRemove: ScriptPin | null;
  /** Days of disuse after which it is removed; 0 never. */
  expiration: number;
  expirationPaths: string[];
  /** When it is removed whether it is used or not; absent or null: never. */
  firmExpiration?: FirmExpiration | null;
  /** What to do where no native installer runs the scripts inside the package: refuse it, or install without them. */
  packageScripts: 'refuse' | 'ignore';
  /** Whether setuid and setgid bits of its files are kept where owners are. */
  setuid: 'drop' | 'keep';
  /** Capabilities a client must have to handle this edition; unknown ones block it there. */
  requires: string[];
}

/** The last day of an edition (`2027-06-30`, UTC), or how many days after it was installed. */
export type FirmExpiration = { on: string } | { days: number };

/** `standard` means every machine; a number is the id of a group document. */
export type GroupRef = number | 'standard';

export interface EditionIdentity {
  /** The depot's ever-increasing number. A higher id is newer, whatever the version says. */
  id: number;
  basename: string;
  version: string;
  revision: number;
  /** `basename-version-revision`; compared whole, never taken apart. */
  edition: string;
}

/** An edition as the depot and the catalog hold it. */
export interface Edition extends EditionIdentity, EditionAttributes {
  status: StoredStatus | 'missing';
  file: PackageFile;
  /** SHA-256 of the blob that lists the package's files (schema d3/contents@1), or null when it could not be listed. */
  contents: string | null;
  applePackages: ApplePackage[];
  /** Absent unless its file is a .deb. */
  debianPackage?: DebianPackage;
  /** ISO 8601, UTC. */
  addedAt: string;
  addedBy: string;
  releasedAt: string | null;
  releasedBy: string | null;
}

/** A group as machines see it: memberships by hashed computer id (lower-case hex SHA-256 of the id string). */
export interface CatalogGroup {
  id: number;
  name: string;
  members: string[];
  /** A smart group: whoever meets them is in it too, as the machine itself judges. */
  criteria?: CatalogCriteria;
}

/** Another place that has the depot's package files. */
export interface CatalogMirror {
  /** An http(s) address, or an absolute path of a folder. */
  url: string;
  /** CIDR ranges whose machines use it; empty: all. */
  networks: string[];
}

/** How often a machine runs a policy: once as long as it lives, whenever asked, or once on each day. What failed does not count. */
export type Frequency = 'once' | 'ongoing' | 'daily';

/** For which machines a policy is: all that is said must fit, and what is not said fits. */
export interface PolicyScope {
  /** Ids of groups, any of which suffices, or exactly `['standard']` for all machines. */
  groups: GroupRef[];
  excludedGroups: GroupRef[];
  departments: string[];
  buildings: string[];
  /** Further facts of the machine's provisioning, by name, with the values that fit. */
  provisioning: Record<string, string[]>;
}

/** A step as a document holds it; its schema is that of steps (`src/runs`). */
export interface PolicyStep {
  kind: string;
  args: Readonly<Record<string, Json>>;
}

/** Body of a document of kind `policy`: a named list of steps, with what sets it off and for whom. */
export interface PolicyBody {
  schema: 'd3/policy@1';
  description: string;
  /** What sets it off, besides its name. */
  events: string[];
  scope: PolicyScope;
  frequency: Frequency;
  steps: PolicyStep[];
}

/** A policy as machines see it. */
export interface CatalogPolicy extends PolicyBody {
  id: number;
  name: string;
}

/** The signed target every machine reads. */
export interface Catalog {
  schema: 'd3/catalog@1';
  /** Grows by one with every published change. */
  generation: number;
  editions: Edition[];
  groups: CatalogGroup[];
  /** In the order they are to be tried; absent: there are none. */
  mirrors?: CatalogMirror[];
  /** Absent: there are none. */
  policies?: CatalogPolicy[];
}
