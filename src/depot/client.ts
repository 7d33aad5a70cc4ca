import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { CatalogMirror } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import { blobPath } from './blobs.ts';
import type { BlobSource, DepotClient, Report, TrustedCatalog } from './contract.ts';
import { mirrorsFor } from './mirrors.ts';
import { reportPath } from './report-path.ts';
import { type Passage, type Piece, SourceRefused, type Transport, unreachable } from './transport.ts';
import { asTrustError, hash, type Trusted, TrustFolder, type Workspace } from './trust.ts';
import type { Verified } from './verify.ts';

export interface DepotClientOptions {
  transport: Transport;
  /** What this machine trusts, in the root's state; made when it is not there. */
  trustDir: string;
  clock: Clock;
  /** Makes the way to a mirror the catalog names; without it only the depot itself is asked. */
  mirror?: (url: string) => Transport;
  /** Whether it is asked with the key of this machine. */
  isEnrolled?: boolean;
  /** This machine's own addresses, to tell which mirrors are meant for it. */
  addresses?: () => readonly string[];
}

/** The machine's view of a depot on any transport. */
export function createDepotClient(options: DepotClientOptions): DepotClient {
  return new TrustingClient(options);
}

const MAX_ROOT = 512_000;
const MAX_TIMESTAMP = 16_384;
const TIMESTAMP = 'metadata/timestamp.json';
const FIRST_ROOT = 'metadata/1.root.json';

class TrustingClient implements DepotClient {
  readonly location: string;
  readonly knowsThisMachine: boolean;
  readonly #transport: Transport;
  readonly #trust: TrustFolder;
  readonly #clock: Clock;
  readonly #mirror: DepotClientOptions['mirror'];
  readonly #addresses: () => readonly string[];
  #mirrors: readonly CatalogMirror[] = [];

  constructor({ transport, trustDir, clock, mirror, isEnrolled = false, addresses = () => [] }: DepotClientOptions) {
    this.knowsThisMachine = isEnrolled;
    this.location = transport.location;
    this.#transport = transport;
    this.#trust = new TrustFolder(trustDir);
    this.#clock = clock;
    this.#mirror = mirror;
    this.#addresses = addresses;
  }

  async refresh({ keep }: { keep: boolean } = { keep: true }): Promise<TrustedCatalog> {
    const trusted = await this.#trust.load();
    const now = this.#clock.now();
    if (trusted !== null && isClockBehind(trusted, now)) {
      const warning = clockWarning(trusted, now);
      const kept = await this.#answer(trusted, 'kept', [warning]);
      if (kept !== null) return kept;
      throw new D3Error('CLOCK_BEHIND', 'verificationFailed', `The catalog kept here is damaged. ${warning}`, {
        target: this.location,
        actions: ["Set this machine's clock, then repeat the command."],
      });
    }
    if (trusted !== null && now < new Date(trusted.record.expires) && (await this.#isUnchanged(trusted))) {
      const unchanged = await this.#answer(trusted, 'unchanged', []);
      if (unchanged !== null) return unchanged;
    }
    return this.#update(trusted, now, keep).catch((error) => {
      throw asTrustError(error, this.#trust.dir);
    });
  }

  async kept(): Promise<TrustedCatalog | null> {
    const trusted = await this.#trust.load();
    if (trusted === null) return null;
    const now = this.#clock.now();
    const behind = isClockBehind(trusted, now);
    if (!behind && now >= new Date(trusted.record.expires)) return null;
    return this.#answer(trusted, 'kept', behind ? [clockWarning(trusted, now)] : []);
  }

  async blob(sha256: string): Promise<NodeJS.ReadableStream> {
    const stream = await this.#asking(() => this.#transport.stream(blobPath(sha256)));
    if (stream !== null) return stream;
    throw noBlob(this.location, sha256);
  }

  sources(): readonly BlobSource[] {
    const make = this.#mirror;
    const mirrors = make === undefined ? [] : mirrorsFor(this.#mirrors, this.#addresses()).map(({ url }) => make(url));
    return [...mirrors, this.#transport].map((transport) => ({
      location: transport.location,
      pauses: transport.pauses,
      open: (sha256, after) => this.#open(transport, sha256, after),
    }));
  }

  async #open(transport: Transport, sha256: string, after: Piece | null): Promise<Passage> {
    const passage = await this.#asking(() => transport.passage(blobPath(sha256), after));
    if (passage !== null) return passage;
    throw noBlob(transport.location, sha256);
  }

  async report(report: Report): Promise<void> {
    const path = reportPath(report);
    try {
      await this.#transport.put(path, Buffer.from(JSON.stringify(report)));
    } catch (error) {
      throw error instanceof SourceRefused ? unreachable(this.location, error.message, error) : error;
    }
  }

  /** One small request says whether there is anything new. */
  async #isUnchanged(trusted: Trusted): Promise<boolean> {
    const tag = trusted.record.timestampTag ?? null;
    const timestamp = await this.#asking(() => this.#transport.changed(TIMESTAMP, MAX_TIMESTAMP, tag));
    return timestamp === 'unchanged' || (timestamp?.equals(trusted.timestamp) ?? false);
  }

  /** @returns null when the catalog kept is not what was verified */
  async #answer(
    trusted: Trusted,
    source: TrustedCatalog['source'],
    warnings: string[],
  ): Promise<TrustedCatalog | null> {
    const catalog = await this.#trust.catalog(trusted);
    if (catalog === null) return null;
    const { expires, catalog: verified } = trusted.record;
    this.#mirrors = catalog.mirrors ?? [];
    return { catalog, sha256: verified.sha256, expires, source, warnings };
  }

  async #update(trusted: Trusted | null, now: Date, keep: boolean): Promise<TrustedCatalog> {
    const workspace = await this.#trust.workspace(trusted, keep);
    try {
      const firstRoot = trusted?.record.firstRoot ?? (await this.#trustFirstRoot(workspace.dir));
      const verified = await this.#verified(workspace, trusted, now, firstRoot);
      const { catalog, sha256, size, expires, timestampVersion } = verified;
      const warnings: string[] = [];
      const tag = this.#transport.tagOf(TIMESTAMP);
      this.#mirrors = catalog.mirrors ?? [];
      if (workspace.canKeep) {
        await this.#trust.accept(workspace.dir, trusted, {
          acceptedAt: now.toISOString(),
          expires,
          timestampVersion,
          catalog: { sha256, size },
          firstRoot,
          ...(tag === null ? {} : { timestampTag: tag }),
        });
      } else if (keep) {
        warnings.push(
          `The depot's news were verified but not kept: ${this.#trust.dir} cannot be written by this user.`,
        );
      }
      return { catalog, sha256, expires, source: 'fresh', warnings };
    } finally {
      await rm(workspace.dir, { recursive: true, force: true });
    }
  }

  async #verified(workspace: Workspace, trusted: Trusted | null, now: Date, firstRoot: string): Promise<Verified> {
    const { verify } = await import('./verify.ts');
    try {
      return await verify(workspace.dir, this.#transport, now);
    } catch (error) {
      if (trusted !== null && workspace.canKeep) await this.#trust.adoptRoot(trusted, workspace.dir);
      throw await this.#explained(error, firstRoot);
    }
  }

  /** The first contact decides which depot this machine trusts. @returns the hash of its root */
  async #trustFirstRoot(workspace: string): Promise<string> {
    const bytes = await this.#asking(() => this.#transport.read(FIRST_ROOT, MAX_ROOT));
    if (bytes === null) throw unreachable(this.location, `it publishes nothing (${FIRST_ROOT} is missing)`);
    await writeFile(join(workspace, 'root.json'), bytes, { mode: 0o600 });
    return hash(bytes);
  }

  /** A source that does not verify because it is another depot is told apart from one that was tampered with. */
  async #explained(error: unknown, firstRoot: string): Promise<unknown> {
    if (!(error instanceof D3Error) || error.code !== 'DEPOT_ALTERED') return error;
    const bytes = await this.#transport.read(FIRST_ROOT, MAX_ROOT).catch(() => null);
    if (bytes === null || hash(bytes) === firstRoot) return error;
    return new D3Error(
      'DEPOT_IS_ANOTHER',
      'verificationFailed',
      `This machine trusts another depot than the one at ${this.location}. Nothing of it was accepted.`,
      {
        target: this.location,
        actions: [
          'If the depot was not meant to change, somebody may be tampering: ask who runs it.',
          `If it was, an admin removes ${this.#trust.dir} on this machine and syncs again.`,
        ],
        cause: error,
      },
    );
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof SourceRefused)) throw error;
      const { refused } = await import('./verify.ts');
      throw refused('DEPOT_MALFORMED', this.location, error.message, error);
    }
  }
}

function noBlob(location: string, sha256: string): D3Error {
  return new D3Error('BLOB_NOT_FOUND', 'notFound', `The depot ${location} has no file ${sha256}.`, {
    target: sha256,
    actions: ['Ask an admin of the depot: the edition is missing its file.'],
  });
}

function isClockBehind(trusted: Trusted, now: Date): boolean {
  return now < new Date(trusted.record.acceptedAt);
}

function clockWarning(trusted: Trusted, now: Date): string {
  const { acceptedAt } = trusted.record;
  return `This machine's clock says ${now.toISOString()}, but the depot was accepted at ${acceptedAt}: nothing new is accepted until the clock is right.`;
}
