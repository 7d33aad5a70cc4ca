import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';
import type { Caller, Connected } from './connection.ts';
import { digestsOf, hashesOf, proves } from './hashes.ts';
import { madeOnce } from './once.ts';
import { quoted, readAll } from './pages.ts';
import { deleted } from './records.ts';
import { OutcomeUnknown } from './refusal.ts';

export interface NewPackage {
  fileName: string;
  packageName: string;
  [field: string]: unknown;
}

/** A package as Jamf has it; what d3 does not know of stays in it. */
export interface JamfPackage extends NewPackage {
  id: string;
  cloudTransferStatus?: string | null;
  sha256?: string | null;
  sha3512?: string | null;
  md5?: string | null;
  hashType?: string | null;
  hashValue?: string | null;
  size?: string | null;
}

/** What the server makes itself and does not take. */
const READ_ONLY = ['id', 'indexed', 'cloudTransferStatus', 'size'];
const LOOK_EVERY = 5000;

/** The id of the package of that file; made when there is none, and never twice. What is there is left as it is. */
export async function ensurePackage(connection: Connected, fields: NewPackage): Promise<string> {
  const find = async (caller: Caller) => (await packageOfFile(caller, fields.fileName))?.id ?? null;
  return (await madeOnce(connection, 'createPackage', fields, find)).id;
}

/** Every package. */
export async function listPackages(caller: Caller): Promise<JamfPackage[]> {
  return readAll<JamfPackage>(caller, 'packages');
}

/** @throws D3Error notFound (34) */
export async function readPackage(caller: Caller, id: string): Promise<JamfPackage> {
  return (await caller.call('package', { params: { id } })) as JamfPackage;
}

/** Deletes a package and its file; one that is gone already is no failure. */
export async function deletePackage(connection: Connected, id: string): Promise<void> {
  await deleted(connection, 'deletePackage', id);
}

/** Sets fields of a package; those not named stay as they are in Jamf, where a PUT drops what it does not bring. */
export async function changePackage(connection: Connected, id: string, changes: Partial<NewPackage>): Promise<void> {
  await connection.sequence(async (caller) => {
    const now = (await caller.call('package', { params: { id } })) as JamfPackage;
    const kept = Object.entries({ ...now, ...changes }).filter(([field]) => !READ_ONLY.includes(field));
    await caller.call('replacePackage', { params: { id }, json: Object.fromEntries(kept) });
  });
}

export interface Upload {
  file: string;
  fileName: string;
  /** In hexadecimal. */
  sha256: string;
}

/** Sends the file of a package and waits until Jamf gives it out, the same as it was sent. */
export async function uploadPackage(
  connection: Connected,
  id: string,
  upload: Upload,
  patience: number,
): Promise<void> {
  const form = async (): Promise<FormData> => {
    const made = new FormData();
    made.append('file', await openAsBlob(upload.file), upload.fileName);
    return made;
  };
  await connection.sequence(async (caller) => {
    for (let last = false; ; last = true) {
      try {
        await caller.call('uploadPackage', { params: { id }, form });
        break;
      } catch (error) {
        if (!(error instanceof OutcomeUnknown)) throw error;
        if ((await differenceOf(upload, await readPackage(caller, id), connection.signal)) === null) break;
        if (last) throw error;
      }
    }
    const end = connection.clock.now() + patience;
    for (;;) {
      const now = await readPackage(caller, id);
      // A node that has not heard of the file yet says nothing.
      const status = now.cloudTransferStatus ?? 'PENDING';
      if (status === 'READY') return requireSame(upload, await differenceOf(upload, now, connection.signal));
      if (status !== 'PENDING')
        throw notReady(upload, `says ${status}`, 'Look at the cloud distribution point in Jamf Pro.');
      if (connection.clock.now() >= end) throw notReady(upload, 'is still taking it in', 'Look again later.');
      await connection.clock.wait(LOOK_EVERY);
    }
  });
}

/**
 * What speaks against Jamf having the very file that was sent; null when it has it. Which hashes it makes depends on the server, so each
 * it has is held against the file. What d3 writes into these fields itself would prove nothing.
 */
async function differenceOf(
  { file, sha256 }: Upload,
  theirs: JamfPackage,
  signal: AbortSignal,
): Promise<string | null> {
  const hashes = hashesOf(theirs);
  const others = new Set(Object.keys(hashes).filter((one) => one !== 'sha256'));
  const ours = new Map([['sha256', sha256], ...(others.size === 0 ? [] : await digestsOf(file, others, signal))]);
  for (const [algorithm, values] of Object.entries(hashes)) {
    const other = values.find((one) => one !== ours.get(algorithm));
    if (other !== undefined) return `the ${algorithm} ${other}, not ${ours.get(algorithm)}`;
  }
  if (proves(hashes)) return null;
  const size = String((await stat(file)).size);
  // Another file of one MD5 can be made; with its size it is all that some servers have.
  if ('md5' in hashes) return theirs.size === size ? null : `the size ${theirs.size ?? 'unknown'}, not ${size}`;
  return 'no hash to compare';
}

function requireSame({ fileName }: Upload, difference: string | null): void {
  if (difference === null) return;
  throw new D3Error('JAMF_UPLOAD_DIFFERS', 'verificationFailed', `Jamf Pro has ${fileName} with ${difference}`, {
    target: fileName,
    actions: ['Upload it again.'],
  });
}

function notReady({ fileName }: Upload, what: string, next: string): D3Error {
  return new D3Error('JAMF_UPLOAD_NOT_READY', 'failed', `${fileName} was sent, but Jamf Pro ${what}`, {
    target: fileName,
    actions: [next],
  });
}

/** The package of that very file; null where there is none. */
export async function packageOfFile(caller: Caller, fileName: string): Promise<JamfPackage | null> {
  const rows = await readAll<JamfPackage>(caller, 'packages', [['filter', `fileName==${quoted(fileName)}`]]);
  const found = rows.filter((one) => one.fileName === fileName);
  if (found.length > 1)
    throw new D3Error('JAMF_FILE_TWICE', 'refused', `${found.length} packages in Jamf Pro have the file ${fileName}`, {
      target: fileName,
      actions: [`Delete all but one of the packages ${found.map(({ id }) => id).join(', ')} in Jamf Pro.`],
    });
  return found[0] ?? null;
}
