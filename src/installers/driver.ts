import type { FileHandle } from 'node:fs/promises';
import type { Edition, PackageFile, PackageFormat } from '../catalog/types.ts';
import type { Drift, Receipt } from '../planner/receipt.ts';

/** One path an installer is about to write, or has written. */
export interface InstalledPath {
  /** Absolute within the root. */
  path: string;
  type: 'file' | 'dir' | 'symlink';
  mode: number;
  size: number;
  target: string | null;
}

/** A package made ready: verified, nothing of the target touched yet. */
export interface PreparedInstall {
  /** As far as it is known before; what comes of the commit counts. */
  paths: InstalledPath[];
  warnings: string[];
  /** All or nothing where d3 puts the files in place itself: on failure the target is as before. */
  commit(): Promise<Committed>;
  /** Gives up before commit. */
  rollback(): Promise<void>;
}

/** What is in place now. */
export interface Committed {
  /** What the system's installer says it put there; null: just what was prepared. */
  paths: InstalledPath[] | null;
  /** Whether it took away what earlier editions had put there and this one has not. */
  replacedAll: boolean;
}

interface PackageToInstall {
  edition: Edition;
  /** Path of the fetched file in a private folder. */
  path: string;
  /** The very file that was hashed. */
  handle: FileHandle;
}

export interface InstallTarget {
  /** Absolute path of the machine's root. */
  root: string;
  /** Names what belongs to one action, so that what a cut run left can be found. */
  staging: string;
  signal: AbortSignal;
  /** Somebody wants it whatever is there. */
  force: boolean;
  /** The receipt whose place it takes, and whether what that stands for is removed first. */
  replaces: Receipt | null;
  removeFirst: boolean;
  /** Told of what an installer is at, in its own words. */
  say: (text: string) => void;
  /** Told how much of it is done, in percent. */
  advance: (percent: number) => void;
}

/** An install that was cut. */
interface CutInstall {
  edition: Pick<Edition, 'edition' | 'file' | 'debianPackage'>;
  root: string;
  staging: string;
  /** The installer had been started: files may be in place, or half so. */
  begun: boolean;
}

/** One installer format. Failures are D3Errors (32 installer, 33 verification, 30 refused, 41 busy). */
export interface InstallerDriver {
  format: PackageFormat;
  /**
   * Who puts files in place under a root: d3 itself, all or nothing; or the system's own installer, which keeps records of its
   * own, may stop half-way, and is started again to go on.
   */
  installedBy(root: string): 'd3' | 'system';
  prepare(pkg: PackageToInstall, target: InstallTarget): Promise<PreparedInstall>;
  /** Clears up what a cut run left. `completed`: the install had been carried through; `none`: it has to be repeated. */
  recover(cut: CutInstall): Promise<'none' | 'rolled-back' | 'completed'>;
  /**
   * Takes a package away by the system's own means.
   * @returns false where there are none: its files are for d3 to remove by its manifest
   */
  uninstall?(receipt: Receipt, root: string, force: boolean): Promise<boolean>;
  /** Has the system forget a package whose files went by d3's manifest. @returns what went wrong, in words */
  forget?(receipt: Receipt, root: string): Promise<string[]>;
  /** Those receipts whose packages are not, by the system's own records, what d3 left there. */
  drift?(receipts: readonly Receipt[], root: string): Promise<Drift[]>;
}

/** What a driver is chosen by: an edition, or a receipt. */
export type OfFormat = { edition: string; file: Pick<PackageFile, 'format'> };
