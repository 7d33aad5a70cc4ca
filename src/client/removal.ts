import path from 'node:path';
import type { Receipt } from '../planner/receipt.ts';
import { mountPointsIn, type Protection, protectionOf } from '../platform/protection.ts';
import type { RootFs } from '../platform/rootfs.ts';
import { bundlesIn } from './bundles.ts';
import type { ActingContext } from './context.ts';
import { foldersAbove } from './folders.ts';
import { type KeyOf, sharedPaths } from './shared-paths.ts';
import type { ManifestEntry, State } from './state/state.ts';

export interface Removal {
  /** Files and links taken away. */
  removed: string[];
  /** Paths left alone. */
  kept: Kept[];
  /** Bundles that went as a whole, with the number of files in them that the package had not brought. */
  bundles: { path: string; others: number }[];
  /** Folders d3 had made that are gone now. */
  goneFolders: string[];
}

interface Kept {
  path: string;
  /** The reason in words. */
  why: string;
  /** It stays because another receipt of d3 has it: as it should be. */
  isShared: boolean;
}

type RemovalContext = Pick<ActingContext, 'state' | 'rootfs' | 'claims' | 'paths'>;

/**
 * Finds out what a basename put on the machine and nobody else claims. Nothing is changed before the function that comes
 * back is called: it takes away files and links, bundles of the package's own as a whole, then the folders d3 itself made, if
 * they are empty. Parents are never followed through links. Doing it again after a cut is safe.
 * @throws D3Error failed when it cannot be found out what others claim
 */
export async function prepareRemoval(receipt: Receipt, context: RemovalContext): Promise<() => Removal> {
  const { state, rootfs, claims, paths } = context;
  const manifest = state.manifest(receipt.basename);
  const bundles = bundlesIn(manifest);
  const places = new Set(manifest.flatMap((entry) => [entry.path, ...foldersAbove(entry.path)]));
  const keyOf: KeyOf = rootfs.ignoresCase() ? (await import('@d3/flatpkg')).foldName : null;
  const key = keyOf ?? ((at: string) => at);
  const asked = { paths: new Set([...places].map(key)), folders: bundles.map(key), keyOf: key };
  const claimed = await claims.claimed(asked, receipt.applePackageIds ?? []);
  const protection = protectionOf(paths, await mountPointsIn(paths.root), key);
  const own = new Set(manifest.map((entry) => entry.path));
  const shared = sharedPaths(receipt.basename, state, own, places, bundles, keyOf);
  const subject: Subject = {
    manifest,
    bundles,
    places,
    spared: (at) => protection(at) ?? hasItToo(claimed.get(key(at))),
    sharedBy: (at) => hasItToo(shared.ownerOf(at)),
    ownerWithin: (folder) => shared.ownerWithin(folder) ?? claimantWithin(key(folder), claimed),
  };
  return () => carryOut(subject, state, rootfs);
}

/** What is to be removed, and what stands against it. */
interface Subject {
  manifest: readonly ManifestEntry[];
  /** The package's own. */
  bundles: readonly string[];
  /** All paths of the manifest, and every folder above them. */
  places: ReadonlySet<string>;
  /** Why a path stays whoever says it is theirs; null when it may go. */
  spared: Protection;
  /** Why a path stays as it should; null when no other receipt has it. */
  sharedBy: (at: string) => string | null;
  /** Who else has a folder, or anything in it; null when nobody has. */
  ownerWithin: (folder: string) => string | null;
}

function hasItToo(owner: string | null | undefined): string | null {
  return owner ? `${owner} has it too` : null;
}

function claimantWithin(folder: string, claimed: ReadonlyMap<string, string>): string | null {
  for (const [at, claimant] of claimed) if (at === folder || at.startsWith(`${folder}/`)) return claimant;
  return null;
}

function carryOut(subject: Subject, state: State, rootfs: RootFs): Removal {
  const removal: Removal = { removed: [], kept: [], bundles: [], goneFolders: [] };
  const touched = new Set<string>();
  const units = new Set(subject.bundles.filter((bundle) => isWhole(bundle, subject, rootfs, removal.kept)));
  for (const unit of units) {
    removeUnit(unit, subject, rootfs, removal);
    touched.add(path.dirname(unit));
  }
  for (const { path: at, type } of subject.manifest) {
    if (type === 'dir' || foldersAbove(at).some((folder) => units.has(folder))) continue;
    const kept = removeEntry(at, subject, rootfs, removal.removed);
    if (kept === null) touched.add(path.dirname(at));
    else removal.kept.push(kept);
  }
  removal.goneFolders = removeOwnFolders(units, subject, state, rootfs);
  rootfs.sync(new Set([...touched, ...removal.goneFolders.map((folder) => path.dirname(folder))]));
  return removal;
}

/** A bundle goes as a whole, with what it added to itself, if nobody else has anything in it. */
function isWhole(bundle: string, { spared, ownerWithin }: Subject, rootfs: RootFs, kept: Kept[]): boolean {
  if (rootfs.kind(bundle) !== 'dir' || spared(bundle) !== null) return false;
  const owner = ownerWithin(bundle);
  if (owner !== null) kept.push({ path: bundle, why: `${owner} has something in it`, isShared: true });
  return owner === null;
}

function removeUnit(unit: string, { places, spared }: Subject, rootfs: RootFs, removal: Removal): void {
  const { removed, kept } = rootfs.removeTree(unit, spared);
  for (const at of removed) removal.removed.push(at);
  for (const one of kept) removal.kept.push({ ...one, isShared: false });
  removal.bundles.push({ path: unit, others: removed.filter((at) => !places.has(at)).length });
}

/** @returns why it stays; null when it is gone */
function removeEntry(at: string, { spared, sharedBy }: Subject, rootfs: RootFs, removed: string[]): Kept | null {
  const owner = sharedBy(at);
  if (owner !== null) return { path: at, why: owner, isShared: true };
  const why = spared(at);
  if (why !== null) return { path: at, why, isShared: false };
  const found = rootfs.removeFile(at);
  if (found === 'absent') return null;
  if (found !== 'file' && found !== 'symlink') return { path: at, why: WHY_KEPT[found], isShared: false };
  removed.push(at);
  return null;
}

const WHY_KEPT = {
  dir: 'a folder stands where the package had a file',
  other: 'it is no ordinary file any more',
  unreachable: 'a folder on the way to it is one no longer, or has become a link',
};

/** Those d3 made, and nobody else names; deepest first, so that a folder is empty by the time its turn comes. */
function removeOwnFolders(
  units: ReadonlySet<string>,
  { places, sharedBy, spared }: Subject,
  state: State,
  rootfs: RootFs,
): string[] {
  const made = state
    .createdFolders()
    .filter((folder) => places.has(folder) || foldersAbove(folder).some((above) => units.has(above)));
  return made
    .toSorted((a, b) => b.length - a.length)
    .filter((folder) => {
      if (sharedBy(folder) !== null || spared(folder) !== null) return false;
      const kind = rootfs.kind(folder);
      return kind === 'absent' || (kind === 'dir' && rootfs.removeEmptyDir(folder));
    });
}
