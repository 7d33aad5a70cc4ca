import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { refuseNewerSchema } from '../json-schema.ts';
import { errnoOf, makeFolder, TEMP_PREFIX, writeFileDurably } from './files.ts';
import type { PublishedRecords } from './store/contract.ts';

/**
 * What admins say of a computer, for that computer alone: a file beside the signed catalog, named by the hash of the computer's id and
 * sealed with what only the depot and that computer know, the id itself. So values never leave the depot in the clear, on
 * any way machines have to it, and nobody without the id can make another such file.
 */

/** As a computer reads it. Names, never ids of documents. */
export interface SealedRecord {
  schema: 'd3/record@1';
  name: string | null;
  department: string | null;
  building: string | null;
  site: string | null;
  /** Values of extension attributes by their names. */
  attributes: Record<string, string>;
}

/** Bytes a record may have. */
export const MAX_RECORD = 1_000_000;
const VERSION = 1;
const NONCE = 12;
const TAG = 16;

/** The path on every transport. */
export function recordPath(computer: string): string {
  return `records/${nameOf(computer)}`;
}

function nameOf(computer: string): string {
  return createHash('sha256').update(computer).digest('hex');
}

function keysOf(computer: string): { seal: Buffer; nonce: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', computer, 'd3/record@1', 'seal', 64));
  return { seal: bytes.subarray(0, 32), nonce: bytes.subarray(32) };
}

/** The same for the same record: what has not changed is not written anew. */
export function sealRecord(record: SealedRecord, computer: string): Buffer {
  const { seal, nonce: nonceKey } = keysOf(computer);
  const text = Buffer.from(JSON.stringify(record));
  const nonce = createHmac('sha256', nonceKey).update(text).digest().subarray(0, NONCE);
  const cipher = createCipheriv('aes-256-gcm', seal, nonce);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
}

/** @throws D3Error verificationFailed `RECORD_ALTERED` for what was not sealed for this computer; refused `SCHEMA_NEWER` */
export function openRecord(bytes: Buffer, computer: string): SealedRecord {
  const record = JSON.parse(unsealed(bytes, computer).toString('utf8')) as SealedRecord;
  refuseNewerSchema(record.schema, 'record', VERSION, 'The record of this machine');
  return record;
}

function unsealed(bytes: Buffer, computer: string): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keysOf(computer).seal, bytes.subarray(0, NONCE));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE, bytes.length - TAG)), decipher.final()]);
  } catch (error) {
    throw new D3Error(
      'RECORD_ALTERED',
      'verificationFailed',
      'What the depot shows as the record of this machine is none.',
      {
        target: recordPath(computer),
        actions: ['an admin should publish it anew: d3 depot publish'],
        cause: error,
      },
    );
  }
}

/** Shows every computer what is said of it, and takes away what is said of none any more. */
export async function showRecords(dir: string, records: PublishedRecords): Promise<void> {
  const folder = join(dir, 'public', 'records');
  const wanted = new Map(
    recordsOf(records).map(([computer, record]) => [nameOf(computer), sealRecord(record, computer)]),
  );
  const there = await recordNames(dir);
  if (wanted.size === 0 && there.length === 0) return;
  await makeFolder(folder, 0o755);
  const present = new Set(there);
  for (const [name, bytes] of wanted) {
    const file = join(folder, name);
    if (present.has(name) && (await readFile(file)).equals(bytes)) continue;
    await writeFileDurably(file, bytes, 0o644);
  }
  for (const name of there) if (!wanted.has(name)) await rm(join(folder, name), { force: true });
}

/** Names of the files of records that are shown. */
export async function recordNames(dir: string): Promise<string[]> {
  const names = await readdir(join(dir, 'public', 'records')).catch((error) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return [];
  });
  return names.filter((name) => !name.startsWith(TEMP_PREFIX));
}

function recordsOf({ computers, eas, places }: PublishedRecords): [string, SealedRecord][] {
  const placeNames = new Map(places.map(({ id, name }) => [id, name]));
  const eaNames = new Map(eas.map(({ id, name }) => [String(id), name]));
  const place = (id: number | null) => (id === null ? null : (placeNames.get(id) ?? null));
  return computers.map(({ name: computer, body }) => [
    computer,
    {
      schema: 'd3/record@1',
      name: body.name,
      department: place(body.department),
      building: place(body.building),
      site: place(body.site),
      attributes: Object.fromEntries(
        Object.entries(body.attributes).flatMap(([id, value]) => {
          const name = eaNames.get(id);
          return name === undefined ? [] : [[name, value]];
        }),
      ),
    },
  ]);
}
