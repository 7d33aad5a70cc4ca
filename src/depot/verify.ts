import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Catalog } from '../catalog/types.ts';
import { tempPath } from './files.ts';
import { SourceRefused, type Transport } from './transport.ts';
import { asTrustError, SET_METADATA, trustNotKept } from './trust.ts';

/** Verifying what a depot publishes, by The Update Framework. Only here is tuf-js used. */

const LIMITS = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 } as const;
const CATALOG_TARGET = 'catalog.json';
/** Bytes; a depot of 100,000 editions stays below. */
const MAX_CATALOG = 1 << 30;
const CATALOG_VERSION = 1;
/** tuf-js wants addresses; the transport sees only their paths. */
const BASE = 'http://depot.invalid';

export interface Verified {
  catalog: Catalog;
  sha256: string;
  size: number;
  /** ISO 8601: when the first metadata file expires. */
  expires: string;
  timestampVersion: number;
  /** ISO 8601: when the timestamp alone expires. */
  timestampExpires: string;
  /** ISO 8601: when the first of those expires that the depot's host need not be able to renew: root and targets. */
  heldExpire: string;
  /** Days it was signed for; null: it is not said. */
  days: number | null;
}

/**
 * Brings a workspace (a folder with the trusted `root.json` and what else is trusted) to what the depot publishes now,
 * and puts the verified catalog into it.
 * @param now the time that decides what has expired
 * @param kept bytes of the catalog that is here already: it is not fetched again when it still is the one
 * @throws D3Error depotUnreachable, verificationFailed
 */
export async function verify(
  workspace: string,
  transport: Transport,
  now: Date,
  kept: Buffer | null = null,
): Promise<Verified> {
  const source = new Source(transport);
  try {
    return await verifyWith(source, workspace, now, kept);
  } catch (error) {
    if (error instanceof D3Error) throw error;
    if (source.failure !== null) throw source.failure;
    throw ownFailure(error, dirname(workspace)) ?? refusal(error, source);
  }
}

async function verifyWith(source: Source, workspace: string, now: Date, kept: Buffer | null): Promise<Verified> {
  const { Updater } = await import('tuf-js');
  const updater = new Updater({
    metadataDir: workspace,
    metadataBaseUrl: `${BASE}/metadata`,
    fetcher: await source.fetcher(workspace),
    config: {
      rootMaxLength: LIMITS.root,
      timestampMaxLength: LIMITS.timestamp,
      snapshotMaxLength: LIMITS.snapshot,
      targetsMaxLength: LIMITS.targets,
    },
  });
  setReferenceTime(updater, now);
  await updater.refresh();
  const target = await updater.getTargetInfo(CATALOG_TARGET);
  const metadata = await readMetadata(workspace);
  refuseExpired(metadata, now, source.location);
  await refuseTwins(workspace, source);

  const sha256 = target?.hashes['sha256'];
  if (target === undefined || sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw refused('DEPOT_ALTERED', source.location, 'its signed metadata names no catalog');
  }
  if (target.length > MAX_CATALOG)
    throw refused('DEPOT_MALFORMED', source.location, `its catalog has ${target.length} bytes`);
  const isIt = (bytes: Buffer) =>
    bytes.length === target.length && createHash('sha256').update(bytes).digest('hex') === sha256;
  const bytes =
    kept !== null && isIt(kept) ? kept : await source.read(`targets/${sha256}.${CATALOG_TARGET}`, target.length);
  if (!isIt(bytes)) {
    throw refused('DEPOT_ALTERED', source.location, 'its catalog is not the one that was signed (altered)');
  }
  const catalog = parseCatalog(bytes, source.location);
  await writeFile(join(workspace, CATALOG_TARGET), bytes);
  const timestamp = metadata.find(({ name }) => name === 'timestamp.json') as Metadata;
  return {
    catalog,
    sha256,
    size: bytes.length,
    expires: firstEnd(metadata),
    heldExpire: firstEnd(metadata.filter(({ name }) => name === 'root.json' || name === 'targets.json')),
    timestampVersion: timestamp.version,
    timestampExpires: timestamp.expires,
    days: timestamp.days,
  };
}

function firstEnd(metadata: readonly Metadata[]): string {
  return metadata.map(({ expires }) => expires).reduce((a, b) => (new Date(a) < new Date(b) ? a : b));
}

/** A full or broken disk here says nothing of the depot. @returns null when the error is another one */
function ownFailure(error: unknown, dir: string): unknown {
  const ours = asTrustError(error, dir);
  if (ours !== error) return ours;
  // tuf-js keeps only the message.
  const why = error instanceof Error ? /Failed to persist metadata .*? error: (.*)$/.exec(error.message)?.[1] : null;
  return why === null || why === undefined ? null : trustNotKept(dir, why, error);
}

/** The part of the transport tuf-js sees. Remembers what went wrong, because tuf-js keeps only messages. */
class Source {
  readonly location: string;
  readonly #transport: Transport;
  /** The depot stopped answering. */
  failure: D3Error | null = null;
  /** The depot answered with a file no depot of ours sends. */
  refused: SourceRefused | null = null;
  /** A file that should be there is not. */
  missing: string | null = null;
  /** The newest timestamp as it came. */
  timestamp: Buffer | null = null;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.location = transport.location;
  }

  /** Reads a file that must be there. */
  async read(path: string, maxBytes: number): Promise<Buffer> {
    const bytes = await this.#read(path, maxBytes);
    if (bytes !== null) return bytes;
    this.missing = path;
    throw new Error(`${path} is missing`);
  }

  async #read(path: string, maxBytes: number): Promise<Buffer | null> {
    try {
      return await this.#transport.read(path, maxBytes);
    } catch (error) {
      if (error instanceof D3Error && error.exit === 'depotUnreachable') this.failure = error;
      if (error instanceof SourceRefused) this.refused = error;
      throw error;
    }
  }

  async fetcher(workspace: string) {
    const { DownloadHTTPError } = await import('tuf-js/dist/error.js');
    const downloadBytes = async (url: string, maxLength: number): Promise<Buffer> => {
      const path = new URL(url).pathname.slice(1);
      const bytes = await this.#read(path, maxLength);
      if (bytes === null) {
        // The root after the newest is not there, as it should be; any other file is missed.
        if (!/^metadata\/\d+\.root\.json$/.test(path)) this.missing = path;
        throw new DownloadHTTPError(`${path} is missing`, 404);
      }
      if (path === 'metadata/timestamp.json') this.timestamp = bytes;
      return bytes;
    };
    return {
      downloadBytes,
      async downloadFile<T>(url: string, maxLength: number, handler: (file: string) => Promise<T>): Promise<T> {
        const temp = tempPath(join(workspace, 'download'));
        try {
          await writeFile(temp, await downloadBytes(url, maxLength), { mode: 0o600 });
          return await handler(temp);
        } finally {
          await rm(temp, { force: true });
        }
      },
    };
  }
}

/** tuf-js judges expiry by the host's clock; ours is a port. The property is private: a test fails when it moves. */
function setReferenceTime(updater: object, now: Date): void {
  const trustedSet: unknown = Reflect.get(updater, 'trustedSet');
  if (
    typeof trustedSet !== 'object' ||
    !(trustedSet !== null && Reflect.get(trustedSet, 'referenceTime') instanceof Date)
  ) {
    throw new D3Error('TUF_CHANGED', 'bug', 'This version of tuf-js cannot be given the time.');
  }
  Reflect.set(trustedSet, 'referenceTime', now);
}

interface Metadata {
  name: string;
  version: number;
  expires: string;
  days: number | null;
}

async function readMetadata(workspace: string): Promise<Metadata[]> {
  return Promise.all(
    SET_METADATA.map(async (name) => {
      const { signed } = JSON.parse(await readFile(join(workspace, name), 'utf8'));
      const days = signed.d3?.days;
      return {
        name,
        version: signed.version,
        expires: signed.expires,
        days: typeof days === 'number' && days > 0 ? days : null,
      };
    }),
  );
}

function refuseExpired(metadata: Metadata[], now: Date, location: string): void {
  for (const { name, expires } of metadata) {
    if (now.getTime() < new Date(expires).getTime()) continue;
    throw refused('DEPOT_EXPIRED', location, `its ${name} expired on ${expires} (stale)`);
  }
}

/** A timestamp with the trusted one's version number but other content: tuf-js would silently keep the trusted one. */
async function refuseTwins(workspace: string, source: Source): Promise<void> {
  const kept = await readFile(join(workspace, 'timestamp.json'));
  if (source.timestamp === null || kept.equals(source.timestamp)) return;
  throw refused(
    'DEPOT_ROLLED_BACK',
    source.location,
    'it publishes a second timestamp under the version number of the one trusted here (rolled back, then changed)',
  );
}

function parseCatalog(bytes: Buffer, location: string): Catalog {
  let catalog: Catalog;
  try {
    catalog = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw refused('CATALOG_INVALID', location, 'its catalog is not JSON');
  }
  const { schema } = catalog as { schema: unknown };
  if (schema === 'd3/catalog@1' && Array.isArray(catalog.editions) && Array.isArray(catalog.groups)) return catalog;
  const version = typeof schema === 'string' ? /^d3\/catalog@(\d+)$/.exec(schema)?.[1] : undefined;
  if (version !== undefined && Number(version) > CATALOG_VERSION) {
    throw new D3Error(
      'CATALOG_NEWER',
      'verificationFailed',
      `The catalog of ${location} has schema d3/catalog@${version}; this d3 reads d3/catalog up to version ${CATALOG_VERSION}. What this machine had stays in force.`,
      { target: location, actions: ['Update d3 on this machine.'] },
    );
  }
  throw refused('CATALOG_INVALID', location, `its catalog is none this d3 knows (schema ${JSON.stringify(schema)})`);
}

/** Says which rule failed. tuf-js wraps most errors into their message, so the message decides. */
function refusal(error: unknown, source: Source): D3Error {
  const { location } = source;
  const message = (error instanceof Error ? error.message : String(error)).replace(
    /^Unable to load .*? error Error: /,
    '',
  );
  if (source.refused !== null) return refused('DEPOT_MALFORMED', location, source.refused.message, error);
  if (source.missing !== null) return refused('DEPOT_INCOMPLETE', location, `${source.missing} is missing`, error);
  if (/is expired/.test(message)) return refused('DEPOT_EXPIRED', location, `${message} (stale)`, error);
  if (/less than current version|Missing file .* in new snapshot/.test(message)) {
    return refused(
      'DEPOT_ROLLED_BACK',
      location,
      `it went back to an older publication (rolled back): ${message}`,
      error,
    );
  }
  if (/doesn't match timestamp|does not match snapshot version|Expected (hash|length)/.test(message)) {
    return refused('DEPOT_MIXED', location, `its files do not belong together (mixed or altered): ${message}`, error);
  }
  return refused('DEPOT_ALTERED', location, `its metadata is not signed as it must be (altered): ${message}`, error);
}

/** `verificationFailed` (33): nothing was accepted. */
export function refused(code: string, location: string, why: string, cause?: unknown): D3Error {
  const actions: Record<string, string> = {
    DEPOT_EXPIRED: `Check this machine's clock; on the depot's host any d3admin command renews the depot, a copy of it is renewed by d3 depot publish --renew.`,
    DEPOT_ROLLED_BACK: `If the depot was restored from a backup, any change with d3admin brings its machines back; if not, somebody may have tampered with it.`,
    DEPOT_INCOMPLETE: `Repeat the command; if it stays so, the depot's copy is not whole.`,
  };
  return new D3Error(code, 'verificationFailed', `What the depot ${location} publishes was refused: ${why}.`, {
    target: location,
    actions: [
      actions[code] ??
        'Somebody may have tampered with the depot, or with the way to it: compare it with its original.',
      'What this machine accepted before stays in force.',
    ],
    cause,
  });
}
