import { createHash, randomBytes } from 'node:crypto';
import { access, chmod, constants, copyFile, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Catalog } from '../catalog/types.ts';
import { refuseNewerSchema } from '../json-schema.ts';
import { errnoOf, makeFolder, syncFile, syncFolder, TEMP_PREFIX, writeFileDurably } from './files.ts';

/**
 * What a machine trusts: a folder of sets, each whole (metadata and catalog that belong together), and one record that
 * names the set in force. A new set is made beside the old one and comes into force when the record is replaced, so a cut
 * at any point leaves the old set or the new one.
 */

/** Metadata files of a set, by role; tuf-js wants these names. */
export const SET_METADATA = ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json'] as const;
const CATALOG = 'catalog.json';
const RECORD = 'trusted.json';
const SET_PREFIX = 'set-';
const RECORD_VERSION = 1;
/** Milliseconds after which nobody reads or makes an unused set any more. */
const UNUSED_FOR = 3_600_000;

export interface TrustRecord {
  schema: 'd3/trust@1';
  /** Folder of the set in force. */
  set: string;
  /** ISO 8601: this machine's time when the set was accepted. */
  acceptedAt: string;
  /** ISO 8601: when the first of its metadata files expires. */
  expires: string;
  timestampVersion: number;
  /** ISO 8601: when the first of root and targets expires; absent: not known. */
  heldExpire?: string;
  /** Days the timestamp was signed for; absent: not known. */
  days?: number;
  catalog: { sha256: string; size: number };
  /** SHA-256 of the root metadata first trusted, to tell another depot from an altered one. */
  firstRoot: string;
  /** What the source said tells its timestamp from another; absent: nothing. */
  timestampTag?: string;
}

export interface Trusted {
  record: TrustRecord;
  /** Path of the set in force. */
  dir: string;
  timestamp: Buffer;
}

export interface Workspace {
  dir: string;
  /** False where this user may not change what the machine trusts. */
  canKeep: boolean;
}

export class TrustFolder {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /**
   * @returns null when nothing is trusted yet
   * @throws D3Error refused `SCHEMA_NEWER`, verificationFailed `TRUST_DAMAGED`
   */
  async load(): Promise<Trusted | null> {
    for (let attempt = 0; ; attempt++) {
      const record = await this.#readRecord();
      if (record === null) return null;
      const dir = join(this.dir, record.set);
      try {
        return { record, dir, timestamp: await readFile(join(dir, 'timestamp.json')) };
      } catch (error) {
        // Another process may have gone over to a newer set in between.
        if (attempt > 2) throw this.#damaged(error);
      }
    }
  }

  /** @returns the catalog of a set, null when its bytes are not those that were verified */
  async catalog(trusted: Trusted): Promise<Catalog | null> {
    const bytes = await this.catalogBytes(trusted);
    return bytes === null ? null : JSON.parse(bytes.toString('utf8'));
  }

  /** As {@link catalog}, not read yet. */
  async catalogBytes(trusted: Trusted): Promise<Buffer | null> {
    const bytes = await readFile(join(trusted.dir, CATALOG)).catch(() => null);
    return bytes === null || hash(bytes) !== trusted.record.catalog.sha256 ? null : bytes;
  }

  /**
   * A private folder to verify in, holding a copy of the metadata trusted now. The caller removes it.
   * @param keep whether what is verified is to be kept; without, nothing is written on the machine's own ground
   */
  async workspace(trusted: Trusted | null, keep: boolean): Promise<Workspace> {
    const canKeep = keep && (await this.#isWritable());
    const dir = await mkdtemp(join(canKeep ? this.dir : tmpdir(), `${TEMP_PREFIX}d3-trust-`));
    if (trusted === null) return { dir, canKeep };
    for (const name of SET_METADATA) {
      await copyFile(join(trusted.dir, name), join(dir, name)).catch((error) => {
        if (name === 'root.json') throw this.#damaged(error);
      });
    }
    return { dir, canKeep };
  }

  /**
   * Brings a verified workspace into force.
   * @param before what it was verified against
   */
  async accept(workspace: string, before: Trusted | null, record: Omit<TrustRecord, 'schema' | 'set'>): Promise<void> {
    for (const name of [...SET_METADATA, CATALOG]) {
      await chmod(join(workspace, name), 0o644);
      await syncFile(join(workspace, name));
    }
    await chmod(workspace, 0o755);
    await syncFolder(workspace);
    const current = await this.#readRecord();
    // Whoever verified something newer meanwhile stays in force. Against the set it began with, the verifier has decided:
    // after a change of keys, numbers may begin anew.
    const isOvertaken = current !== null && current.set !== before?.record.set;
    if (isOvertaken && current.timestampVersion > record.timestampVersion) return;
    const set = `${SET_PREFIX}${record.timestampVersion}-${randomBytes(4).toString('hex')}`;
    await rename(workspace, join(this.dir, set));
    await syncFolder(this.dir);
    await writeFileDurably(
      join(this.dir, RECORD),
      `${JSON.stringify({ schema: 'd3/trust@1', set, ...record })}\n`,
      0o644,
    );
    await this.#removeUnused(set, current?.set ?? null, new Date(record.acceptedAt));
  }

  /**
   * Keeps a newer root that was verified although what came after it was refused (TUF client workflow 5.3.8): keys that
   * were replaced stay replaced. Catalog and all else remain as they are.
   * @param workspace its root.json is the trusted one or a newer one that was verified
   */
  async adoptRoot(trusted: Trusted, workspace: string): Promise<void> {
    const root = await readFile(join(workspace, 'root.json'));
    if (root.equals(await readFile(join(trusted.dir, 'root.json')))) return;
    for (const name of [...SET_METADATA, CATALOG]) {
      if (name !== 'root.json') await copyFile(join(trusted.dir, name), join(workspace, name));
    }
    const { schema: _schema, set: _set, ...record } = trusted.record;
    const rootExpires: string = JSON.parse(root.toString('utf8')).signed.expires;
    const expires = new Date(rootExpires) < new Date(record.expires) ? rootExpires : record.expires;
    await this.accept(workspace, trusted, { ...record, expires });
  }

  async #readRecord(): Promise<TrustRecord | null> {
    let text: string;
    try {
      text = await readFile(join(this.dir, RECORD), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw this.#damaged(error);
    }
    let record: TrustRecord;
    try {
      record = JSON.parse(text);
    } catch (error) {
      throw this.#damaged(error);
    }
    refuseNewerSchema(record?.schema, 'trust', RECORD_VERSION, join(this.dir, RECORD));
    if (!isWhole(record)) throw this.#damaged(null);
    return record;
  }

  async #isWritable(): Promise<boolean> {
    try {
      // What a machine trusts is no secret: every user may list what the depot offers.
      await makeFolder(this.dir, 0o755);
      await access(this.dir, constants.W_OK);
      return true;
    } catch (error) {
      if (['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) return false;
      throw error;
    }
  }

  /** The set before stays for processes that are reading it. */
  async #removeUnused(current: string, before: string | null, now: Date): Promise<void> {
    for (const name of await readdir(this.dir)) {
      if (name === current || name === before || !(name.startsWith(SET_PREFIX) || name.startsWith(TEMP_PREFIX)))
        continue;
      const { ctimeMs } = await stat(join(this.dir, name)).catch(() => ({ ctimeMs: Number.POSITIVE_INFINITY }));
      if (now.getTime() - ctimeMs > UNUSED_FOR) await rm(join(this.dir, name), { recursive: true, force: true });
    }
  }

  #damaged(cause: unknown): D3Error {
    return new D3Error(
      'TRUST_DAMAGED',
      'verificationFailed',
      `What this machine trusts cannot be read in ${this.dir}.`,
      {
        target: this.dir,
        actions: [`Make sure the depot is the right one, then remove ${this.dir} to trust it anew.`],
        cause,
      },
    );
  }
}

/**
 * What this machine's own disk did, as an error for people; anything else stays what it is.
 * @param dir what the machine trusts
 */
export function asTrustError(error: unknown, dir: string): unknown {
  if (errnoOf(error) === null) return error;
  return trustNotKept(dir, (error as Error).message, error);
}

/** `failed` (1): nothing is wrong with the depot. */
export function trustNotKept(dir: string, why: string, cause: unknown): D3Error {
  return new D3Error('TRUST_NOT_KEPT', 'failed', `The depot's news could not be kept in ${dir}: ${why}.`, {
    target: dir,
    actions: ['See to it that this disk has room and can be written, then repeat the command.'],
    cause,
  });
}

/** Whether a record has what decides; above all a time that cannot be read must not count as never. */
function isWhole(record: TrustRecord | null): boolean {
  return (
    /^set-[0-9a-f-]+$/.test(String(record?.set)) &&
    !Number.isNaN(Date.parse(String(record?.expires))) &&
    !Number.isNaN(Date.parse(String(record?.acceptedAt))) &&
    Number.isSafeInteger(record?.timestampVersion) &&
    /^[0-9a-f]{64}$/.test(String(record?.catalog?.sha256))
  );
}

export function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
