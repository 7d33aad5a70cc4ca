import { D3Error } from '@d3/sdk';
import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Edition, Status } from '../catalog/types.ts';
import type { DepotClient } from '../depot/contract.ts';
import { receiptNamed } from '../planner/requested.ts';
import { readContents } from './adopt.ts';
import { editionNamed, unknown } from './details.ts';
import type { ManifestEntry, StateReader } from './state/state.ts';
import { statusOf } from './status.ts';

/** The files of an edition: as installed here, else as the depot lists them. */
export interface FilesOf {
  target: string;
  edition: string;
  installed: boolean;
  /** Absolute within the root when installed, else as the package has them; files and links, no folders. */
  files: string[];
}

/** @throws D3Error notFound when it is neither installed nor in the depot */
export async function filesOf(
  target: string,
  state: StateReader,
  index: CatalogIndex | null,
  depot: DepotClient | null,
): Promise<FilesOf> {
  const receipt = receiptNamed(target, { receipts: state.receipts() });
  if (receipt !== null) {
    const files = state.manifest(receipt.basename).filter(isNoFolder);
    return { target, edition: receipt.edition, installed: true, files: files.map((entry) => entry.path) };
  }
  const edition = index === null ? null : editionNamed(target, index);
  if (edition === null || depot === null) throw unknown(target);
  const contents = await readContents(edition, depot);
  return {
    target,
    edition: edition.edition,
    installed: false,
    files: contents.files.filter(isNoFolder).map((file) => `/${file.path}`),
  };
}

function isNoFolder({ type }: Pick<ManifestEntry, 'type'>): boolean {
  return type !== 'dir';
}

/** An edition that put a path on this machine, or would. */
export interface PathOwner {
  path: string;
  edition: string;
  status: Status | null;
  installed: boolean;
}

/** Who put a path on this machine. @param path absolute within the root; one trailing slash is taken off */
export function ownersOf(path: string, state: StateReader, index: CatalogIndex | null): PathOwner[] {
  const clean = cleanPath(path);
  const owners = new Set(state.ownersOf(clean));
  return state
    .receipts()
    .filter((receipt) => owners.has(receipt.basename))
    .map((receipt) => ({
      path: clean,
      edition: receipt.edition,
      status: statusOf(receipt, index),
      installed: true,
    }));
}

/** How many lists of contents are asked for at a time. */
const AT_A_TIME = 8;

/**
 * Which editions of the depot would bring a path. Reads every edition's list of contents.
 * @param path absolute within the root; one trailing slash is taken off
 * @param warn told of a list that cannot be read; the others are looked at all the same
 * @throws D3Error depotUnreachable (20)
 */
export async function bringersOf(
  path: string,
  index: CatalogIndex,
  depot: DepotClient,
  warn: (text: string) => void,
): Promise<PathOwner[]> {
  const clean = cleanPath(path);
  const editions = index.basenames.flatMap((basename) => index.ofBasename(basename));
  const found: PathOwner[] = [];
  for (let at = 0; at < editions.length; at += AT_A_TIME) {
    const some = editions.slice(at, at + AT_A_TIME);
    const brings = await Promise.all(some.map((edition) => doesBring(clean, edition, depot, warn)));
    for (const [which, { edition, status }] of some.entries())
      if (brings[which]) found.push({ path: clean, edition, status, installed: false });
  }
  return found;
}

async function doesBring(
  path: string,
  edition: Edition,
  depot: DepotClient,
  warn: (text: string) => void,
): Promise<boolean> {
  try {
    return (await readContents(edition, depot)).files.some((file) => `/${file.path}` === path);
  } catch (error) {
    if (!(error instanceof D3Error) || error.exit === 'depotUnreachable') throw error;
    warn(`${edition.edition} was not looked into: ${error.message}`);
    return false;
  }
}

function cleanPath(path: string): string {
  if (path.startsWith('/')) return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  throw new D3Error('PATH_NOT_ABSOLUTE', 'usage', `${path} is no absolute path.`, { target: path });
}
