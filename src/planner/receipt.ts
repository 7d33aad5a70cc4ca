import { isDeepStrictEqual } from 'node:util';
import type {
  DebianPackage,
  Edition,
  EditionIdentity,
  FirmExpiration,
  PackageFile,
  ScriptPin,
} from '../catalog/types.ts';

/** The id of a receipt that was taken over from elsewhere: no edition has it, and every one is newer. */
export const NO_EDITION = 0;

/** One machine's record that an edition is installed there; one per basename. Status is joined from the catalog, never kept. */
export interface Receipt extends EditionIdentity {
  schema: 'd3/receipt@1';
  /** The edition's in the depot; {@link NO_EDITION} when it was never an edition of the depot. */
  id: number;
  /** Who installed it; carried through updates. */
  admin: string;
  /** ISO 8601, UTC. */
  installedAt: string;
  /** Installed as a pilot. Becomes false when that very edition goes live; nothing else changes it. */
  piloting: boolean;
  /** An edition that was not a pilot stood here when piloting began, so depilot puts the live one back. */
  displacedLive: boolean;
  /** A person asked for it, as against an auto-install. */
  manual: boolean;
  frozen: { by: string; at: string } | null;
  /** Who thawed it last, and when; absent or null: it was never frozen, or is again. */
  thawed?: { by: string; at: string } | null;
  /** When a sync first saw that its edition is no longer in the depot, ISO 8601. Absent: it is there. */
  goneSince?: string | null;
  /** Why no installer ran: its pre-install script took it as done. Absent: the installer ran. */
  settled?: string | null;
  /** Why somebody should look at it, e.g. a failed post-install script. Absent: all is well. */
  attention?: string | null;
  /** Days; null: the edition's own. */
  customExpiration: number | null;
  /** Days of disuse in force here; 0 never. */
  expiration: number;
  expirationPaths: string[];
  /** When it ends whether it is used or not; absent or null: never. */
  firmExpiration?: FirmExpiration | null;
  removable: boolean;
  prohibitingProcesses: string[];
  preRemove: ScriptPin | null;
  postRemove: ScriptPin | null;
  file: PackageFile;
  /** Apple package ids inside the file; absent in receipts that other tools wrote. */
  applePackageIds?: string[];
  /** Of a .deb: what dpkg knows it by. Absent: it is none. */
  debianPackage?: Pick<DebianPackage, 'name' | 'version' | 'architecture'>;
}

/** A package that somebody else changed behind d3: by the records of the system's own package manager. */
export interface Drift {
  basename: string;
  /** As the system names it. */
  package: string;
  /** The version d3 left there. */
  recorded: string;
  /** The version that is there; null when it is gone. */
  found: string | null;
}

/** What a receipt takes over from its edition, at install and again at every sync. */
export type RefreshableFields = Pick<
  Receipt,
  | 'version'
  | 'revision'
  | 'edition'
  | 'removable'
  | 'expiration'
  | 'expirationPaths'
  | 'firmExpiration'
  | 'prohibitingProcesses'
  | 'preRemove'
  | 'postRemove'
>;

/** Those of them that differ, with what they are to be; null takes one away. */
export function refreshed(receipt: Receipt, edition: Edition): Partial<Receipt> {
  const wanted: RefreshableFields = { firmExpiration: null, ...refreshableFields(edition, receipt.customExpiration) };
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([field, value]) => !isDeepStrictEqual(receipt[field as keyof RefreshableFields] ?? null, value ?? null),
    ),
  );
}

/** What an edition does not say of a receipt for it. */
export interface ReceiptParts {
  admin: string;
  /** ISO 8601, UTC. */
  at: string;
  piloting: boolean;
  displacedLive: boolean;
  manual: boolean;
  freeze: boolean;
  customExpiration: number | null;
}

/** The receipt of an edition as it is installed. */
export function newReceipt(edition: Edition, parts: ReceiptParts): Receipt {
  const { admin, at, piloting, displacedLive, manual, freeze, customExpiration } = parts;
  return {
    schema: 'd3/receipt@1',
    id: edition.id,
    basename: edition.basename,
    admin,
    installedAt: at,
    piloting,
    displacedLive,
    manual,
    frozen: freeze ? { by: admin, at } : null,
    customExpiration,
    ...refreshableFields(edition, customExpiration),
    file: edition.file,
    applePackageIds: edition.applePackages.map((pkg) => pkg.id),
    ...(edition.debianPackage === undefined ? {} : { debianPackage: debianIdentity(edition.debianPackage) }),
  };
}

function debianIdentity({ name, version, architecture }: DebianPackage): NonNullable<Receipt['debianPackage']> {
  return { name, version, architecture };
}

/** @param customExpiration days, or null for the edition's own; what cannot be removed cannot expire */
export function refreshableFields(edition: Edition, customExpiration: number | null): RefreshableFields {
  return {
    version: edition.version,
    revision: edition.revision,
    edition: edition.edition,
    removable: edition.removable,
    expiration: edition.removable ? (customExpiration ?? edition.expiration) : 0,
    expirationPaths: edition.expirationPaths,
    ...(edition.removable && edition.firmExpiration ? { firmExpiration: edition.firmExpiration } : {}),
    prohibitingProcesses: edition.prohibitingProcesses,
    preRemove: edition.preRemove,
    postRemove: edition.postRemove,
  };
}
