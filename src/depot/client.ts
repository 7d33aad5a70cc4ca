import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { span } from '../catalog/span.ts';
import type { CatalogMirror } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import { blobPath } from './blobs.ts';
import type { BlobSource, DepotClient, DepotTime, Report, TrustedCatalog } from './contract.ts';
import { endsSoon } from './expiry.ts';
import { mirrorsFor } from './mirrors.ts';
import { reportPath } from './report-path.ts';
import type { SealedRecord } from './sealed-records.ts';
import { type Passage, type Piece, SourceRefused, type Transport, unreachable } from './transport.ts';
import { asTrustError, hash, type Trusted, TrustFolder, type Workspace } from './trust.ts';
import type { Verified } from './verify.ts';

export interface DepotClientOptions {
  transport: Transport;
  /** What this machine trusts, in the root's state; made when it is not there. */
  trustDir: string;
  /** File with the root metadata that is trusted at the first contact; without, the one the depot shows then is. */
  firstRoot?: string | null;
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
  readonly #firstRoot: string | null;
  readonly #mirror: DepotClientOptions['mirror'];
  readonly #addresses: () => readonly string[];
  #mirrors: readonly CatalogMirror[] = [];

  constructor(options: DepotClientOptions) {
    const { transport, trustDir, clock, firstRoot = null, mirror, isEnrolled = false, addresses = () => [] } = options;
    this.knowsThisMachine = isEnrolled;
    this.location = transport.location;
    this.#transport = transport;
    this.#trust = new TrustFolder(trustDir);
    this.#clock = clock;
    this.#firstRoot = firstRoot;
    this.#mirror = mirror;
    this.#addresses = addresses;
  }

  async refresh({ keep }: { keep: boolean } = { keep: true }): Promise<TrustedCatalog> {
    const trusted = await this.#trust.load();
    const now = this.#clock.now();
    const mended = trusted !== null && isClockBehind(trusted, now) && (await this.#wasAhead(trusted, now));
    if (trusted !== null && !mended && isClockBehind(trusted, now)) throw clockBehind(trusted, now);
    if (trusted !== null && !mended && now < new Date(trusted.record.expires) && (await this.#isUnchanged(trusted))) {
      const unchanged = await this.#answer(trusted, 'unchanged', []);
      if (unchanged !== null) return unchanged;
    }
    return this.#update(trusted, now, keep).catch((error) => {
      throw asTrustError(error, this.#trust.dir);
    });
  }

  async kept({ expired }: { expired: boolean } = { expired: false }): Promise<TrustedCatalog | null> {
    const trusted = await this.#trust.load();
    if (trusted === null) return null;
    const now = this.#clock.now();
    // With a clock that is behind nothing expires: what was accepted stays in force.
    if (isClockBehind(trusted, now)) return this.#answer(trusted, 'kept', [clockBehind(trusted, now).message]);
    const { expires } = trusted.record;
    if (now < new Date(expires)) return this.#answer(trusted, 'kept', []);
    if (!expired) return null;
    return this.#answer(trusted, 'kept', [`What this machine knows of the depot expired at ${expires}.`]);
  }

  async record(computer: string): Promise<SealedRecord | null> {
    const { MAX_RECORD, openRecord, recordPath } = await import('./sealed-records.ts');
    const bytes = await this.#asking(() => this.#transport.read(recordPath(computer), MAX_RECORD));
    return bytes === null ? null : openRecord(bytes, computer);
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

  async time(): Promise<DepotTime> {
    const trusted = await this.#trust.load().catch(() => null);
    return {
      signed: trusted === null ? null : signedAt(trusted.timestamp),
      host: (await this.#transport.askTime?.()) ?? null,
    };
  }

  /**
   * Whether the clock was ahead when the depot was accepted last, and is right now: the depot's host has the same time, and what is
   * trusted was signed before it. What is accepted now is newer than that, or it.
   */
  async #wasAhead(trusted: Trusted, now: Date): Promise<boolean> {
    const signed = signedAt(trusted.timestamp);
    if (signed === null || signed.getTime() > now.getTime() + CLOCK_SLACK) return false;
    await this.#asking(() => this.#transport.changed(TIMESTAMP, MAX_TIMESTAMP, null));
    const theirs = this.#transport.time?.() ?? null;
    return theirs !== null && Math.abs(theirs.getTime() - now.getTime()) < CLOCK_SLACK;
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
    const { expires, heldExpire, catalog: verified, days } = trusted.record;
    this.#mirrors = catalog.mirrors ?? [];
    const { location } = this;
    warnings.push(...expiryWarnings({ expires, heldExpire, days }, this.#clock.now(), location));
    return { catalog, sha256: verified.sha256, expires, source, warnings };
  }

  async #update(trusted: Trusted | null, now: Date, keep: boolean): Promise<TrustedCatalog> {
    const workspace = await this.#trust.workspace(trusted, keep);
    try {
      const firstRoot = trusted?.record.firstRoot ?? (await this.#trustFirstRoot(workspace.dir));
      const verified = await this.#verified(workspace, trusted, now, firstRoot);
      refuseBeforeSigned(verified, now);
      const { catalog, sha256, size, expires, heldExpire, timestampVersion, days } = verified;
      const warnings = expiryWarnings({ expires, heldExpire, days: days ?? undefined }, now, this.location);
      const tag = this.#transport.tagOf(TIMESTAMP);
      this.#mirrors = catalog.mirrors ?? [];
      if (workspace.canKeep) {
        await this.#trust.accept(workspace.dir, trusted, {
          acceptedAt: now.toISOString(),
          expires,
          heldExpire,
          timestampVersion,
          ...(days === null ? {} : { days }),
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
      const kept = trusted === null ? null : await this.#trust.catalogBytes(trusted);
      return await verify(workspace.dir, this.#transport, now, kept);
    } catch (error) {
      if (trusted !== null && workspace.canKeep) await this.#trust.adoptRoot(trusted, workspace.dir);
      throw clockAhead(error, now, this.#transport) ?? (await this.#explained(error, firstRoot, trusted === null));
    }
  }

  /** The first contact decides which depot this machine trusts. @returns the hash of its root */
  async #trustFirstRoot(workspace: string): Promise<string> {
    const bytes = await this.#asking(() => this.#transport.read(FIRST_ROOT, MAX_ROOT));
    if (bytes === null) throw unreachable(this.location, `it publishes nothing (${FIRST_ROOT} is missing)`);
    const known = this.#firstRoot === null ? bytes : await readKnownRoot(this.#firstRoot);
    await writeFile(join(workspace, 'root.json'), known, { mode: 0o600 });
    return hash(bytes);
  }

  /** A source that does not verify because it is another depot is told apart from one that was tampered with. */
  async #explained(error: unknown, firstRoot: string, isFirst: boolean): Promise<unknown> {
    if (!(error instanceof D3Error) || error.code !== 'DEPOT_ALTERED') return error;
    if (isFirst && this.#firstRoot !== null) {
      return new D3Error(
        'DEPOT_IS_ANOTHER',
        'verificationFailed',
        `The depot at ${this.location} is not the one whose root metadata trust.root names. Nothing of it was accepted.`,
        {
          target: this.location,
          actions: [
            'Make sure of the address of the depot: somebody may have put another in its place.',
            `If ${this.#firstRoot} is out of date, get a new one: d3 depot keys export-root`,
          ],
          cause: error,
        },
      );
    }
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

/** Milliseconds a clock may be set back without a word: clocks are put right by a little all the time. */
const CLOCK_SLACK = 300_000;

function isClockBehind(trusted: Trusted, now: Date): boolean {
  return now.getTime() < Date.parse(trusted.record.acceptedAt) - CLOCK_SLACK;
}

/** Nothing expires and nothing new is accepted while the clock is before what is known to be past. */
function clockBehind(trusted: Trusted, now: Date): D3Error {
  const { acceptedAt } = trusted.record;
  return clockWrong(
    new Date(acceptedAt).getTime() - now.getTime(),
    `it says ${now.toISOString()}, but the depot was accepted at ${acceptedAt}: nothing new is accepted until it is right`,
    'at least ',
  );
}

/** When a timestamp was signed, by what it says of itself; null where it does not say for how long. */
function signedAt(timestamp: Buffer): Date | null {
  const { signed } = JSON.parse(timestamp.toString('utf8')) as { signed: { expires: string; d3?: { days?: unknown } } };
  const days = signed.d3?.days;
  return typeof days === 'number' ? signedBefore(signed.expires, days) : null;
}

function signedBefore(expires: string, days: number): Date {
  return new Date(Date.parse(expires) - days * 86_400_000);
}

/** What was signed later than it is here is no news of the depot, but of this clock. Taken as it is, nothing would ever expire. */
function refuseBeforeSigned({ timestampExpires, days }: Verified, now: Date): void {
  if (days === null) return;
  const signed = signedBefore(timestampExpires, days);
  const behind = signed.getTime() - now.getTime();
  if (behind < CLOCK_SLACK) return;
  throw clockWrong(
    behind,
    `it says ${now.toISOString()}, but what the depot publishes was signed at ${signed.toISOString()}: nothing is accepted until it is right`,
    'at least ',
  );
}

/** A depot that looks expired while its own host has another time: more likely the clock here is wrong. */
function clockAhead(error: unknown, now: Date, transport: Transport): D3Error | null {
  const theirs = transport.time?.() ?? null;
  if (!(error instanceof D3Error) || error.code !== 'DEPOT_EXPIRED' || theirs === null) return null;
  const ahead = now.getTime() - theirs.getTime();
  if (ahead < CLOCK_SLACK) return null;
  const says = `it says ${now.toISOString()}, the depot's host ${theirs.toISOString()}; ${error.message}`;
  return clockWrong(ahead, says.replace(/\.$/, ''), 'about ', error);
}

function clockWrong(by: number, says: string, about: string, cause?: unknown): D3Error {
  return new D3Error(
    'CLOCK_WRONG',
    'verificationFailed',
    `This machine's clock is wrong by ${about}${span(by)}: ${says}.`,
    {
      target: 'clock',
      actions: [
        "Set this machine's clock, then repeat the command.",
        'What this machine accepted before stays in force.',
      ],
      cause,
    },
  );
}

/** When what a depot publishes ends; `days`: those its timestamp was signed for. */
interface Ends {
  expires: string;
  heldExpire: string | undefined;
  days: number | undefined;
}

/** What is about to expire is said in good time: a short-lived timestamp must not hide what nobody renews every hour. */
function expiryWarnings({ expires, heldExpire, days }: Ends, now: Date, location: string): string[] {
  if (now >= new Date(expires)) return [];
  const left = endsSoon(expires, days, now);
  if (left !== null)
    return [
      `What the depot ${location} publishes expires in ${left}, at ${expires}: an admin of the depot renews it (d3 depot publish --renew).`,
    ];
  const held = heldExpire === undefined ? null : endsSoon(heldExpire, undefined, now);
  if (held === null) return [];
  return [
    `What the keys of root and targets signed for the depot ${location} expires in ${held}, at ${heldExpire}: whoever has them signs it anew (d3 depot keys sign).`,
  ];
}

async function readKnownRoot(file: string): Promise<Buffer> {
  return readFile(file).catch((error: Error) => {
    throw new D3Error('TRUST_ROOT', 'usage', `The root metadata of trust.root cannot be read: ${error.message}.`, {
      target: file,
      actions: ['get it from an admin of the depot: d3 depot keys export-root'],
      cause: error,
    });
  });
}
