import { createHash } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import type { DepotClient, PackageContents } from '../depot/contract.ts';
import { NO_EDITION, newReceipt, type Receipt } from '../planner/receipt.ts';
import type { Clock } from '../platform/clock.ts';
import type { RootFs } from '../platform/rootfs.ts';
import type { Outcome } from './outcome.ts';
import type { ManifestEntry, State } from './state/state.ts';

/** Lists of contents larger than this are no lists. */
const MAX_CONTENTS_BYTES = 64 * 1024 * 1024;

export interface SearchParts {
  index: CatalogIndex;
  state: State;
  rootfs: RootFs;
  depot: DepotClient;
  clock: Clock;
  /** Told of an edition that could not be looked for. */
  warn: (text: string) => void;
}

/** Who a receipt is recorded for when the record of it was lost. */
const UNKNOWN_ADMIN = 'unknown';

/**
 * Puts back on record what stands on the disk whole and is on no record any more: what a machine whose state was lost has
 * installed. One edition for each basename: the one a receipt without files names, else the live one, else the newest.
 * Every file must be there with its size; nothing on the disk is changed.
 * @returns one outcome for each
 */
export async function adoptFromDisk(parts: SearchParts): Promise<Outcome[]> {
  const { index, state, clock } = parts;
  const underWay = new Set(state.journal().map(({ basename }) => basename));
  const receipts = new Map(state.receipts().map((receipt) => [receipt.basename, receipt]));
  const outcomes: Outcome[] = [];
  for (const basename of index.basenames) {
    const kept = receipts.get(basename);
    if (underWay.has(basename) || (kept !== undefined && !lostItsFiles(kept, state))) continue;
    const editions = index.ofBasename(basename).filter((edition) => kept === undefined || isOf(kept, edition));
    const found = await wholeOf(editions, parts);
    if (found === null) continue;
    const { id, file } = found.edition;
    const lost = { admin: UNKNOWN_ADMIN, at: clock.now().toISOString() };
    const receipt = kept === undefined ? receiptOf(found.edition, index, lost) : { ...kept, id, file };
    state.adopt(receipt, found.manifest);
    outcomes.push(outcomeOf(receipt));
  }
  state.dropStrayManifests();
  return outcomes;
}

/** What a script settled or another tool recorded never had any. */
function lostItsFiles({ basename, settled }: Receipt, state: State): boolean {
  return !settled && state.manifest(basename).length === 0;
}

/** What was taken over without a depot is known by its name. */
function isOf(receipt: Receipt, edition: Edition): boolean {
  return receipt.id === edition.id || (receipt.id === NO_EDITION && receipt.edition === edition.edition);
}

/** A receipt for an edition that this d3 did not install. */
export function receiptOf(
  edition: Edition,
  index: CatalogIndex,
  { admin, at }: { admin: string; at: string },
): Receipt {
  const piloting = edition.status === 'pilot';
  return newReceipt(edition, {
    admin,
    at,
    piloting,
    displacedLive: piloting && index.liveOf(edition.basename) !== undefined,
    manual: true,
    freeze: false,
    customExpiration: null,
  });
}

function outcomeOf({ basename, edition }: Receipt): Outcome {
  const text = 'it is on the disk whole, and was on no record any more';
  return { target: basename, basename, edition, status: 'adopted', mode: null, replaced: null, text, problem: null };
}

interface Found {
  edition: Edition;
  manifest: ManifestEntry[];
}

async function wholeOf(editions: readonly Edition[], parts: SearchParts): Promise<Found | null> {
  const rank = ({ status, id }: Edition) => (status === 'live' ? Number.MAX_SAFE_INTEGER : id);
  for (const edition of editions.toSorted((a, b) => rank(b) - rank(a))) {
    if (edition.contents === null) continue;
    const contents = await readContents(edition, parts.depot).catch((error: Error) => {
      parts.warn(`${edition.edition} could not be looked for on the disk: ${error.message}`);
      return null;
    });
    const manifest = contents === null ? null : manifestOnDisk(contents, parts.rootfs);
    if (manifest !== null) return { edition, manifest };
  }
  return null;
}

/** What of a package's contents stands on the disk, as it is there now; null when any file of it is not. */
function manifestOnDisk(contents: PackageContents, rootfs: RootFs): ManifestEntry[] | null {
  const manifest: ManifestEntry[] = [];
  let files = 0;
  for (const { path: name, type, size } of contents.files) {
    const path = `/${name}`;
    const there = rootfs.describe(path);
    const same = there !== null && there.type === type && (type !== 'file' || there.size === size);
    if (!same) {
      if (type === 'dir') continue;
      return null;
    }
    if (type !== 'dir') files += 1;
    manifest.push({ path, ...there });
  }
  return files > 0 ? manifest : null;
}

/** The list of what an edition's package holds. @throws D3Error verificationFailed (33), notFound (34), depotUnreachable (20), refused `SCHEMA_NEWER` (30) */
export async function readContents(edition: Edition, depot: DepotClient): Promise<PackageContents> {
  if (edition.contents === null) return { schema: 'd3/contents@1', files: [] };
  const bytes = await readAll(await depot.blob(edition.contents));
  if (createHash('sha256').update(bytes).digest('hex') !== edition.contents) throw contentsAltered(edition);
  const contents = JSON.parse(bytes.toString('utf8')) as PackageContents;
  if (contents.schema !== 'd3/contents@1') throw contentsUnknown(edition, contents.schema);
  return contents;
}

/** The catalog vouches for its bytes, so what is none this d3 reads was written by a newer one. */
function contentsUnknown({ edition }: Edition, schema: string): D3Error {
  const text = `The list of contents of ${edition} has schema ${schema}; this d3 reads d3/contents@1.`;
  return new D3Error('SCHEMA_NEWER', 'refused', text, { target: edition, actions: ['Update d3 on this machine.'] });
}

function contentsAltered({ edition }: Edition): D3Error {
  const text = 'the list of contents the depot gave is not the one in the catalog';
  return new D3Error('CONTENTS_ALTERED', 'verificationFailed', text, { target: edition });
}

async function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_CONTENTS_BYTES)
      throw new D3Error('CONTENTS_TOO_LARGE', 'verificationFailed', 'The list of contents is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
