import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type Stats } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { D3Error, type Reporter } from '@d3/sdk';
import { MARK } from '../alone.ts';
import type { Connection } from '../connector/connection.ts';
import { type Hashes, hashesOf, holdAgainst, proves } from '../connector/hashes.ts';
import type { JamfPackage } from './records.ts';

/** What the cloud distribution point says of a file. */
interface CloudFile {
  fileName: string;
  length?: number;
  md5?: string;
  sha3?: string;
}

export interface Fetching {
  connection: Connection;
  /** Private folder of this host; what has come is kept in it until it is dropped. Null where nothing may be fetched. */
  room: string | null;
  /** A folder with the files of a distribution point; null: the cloud alone. */
  files: string | null;
  report: Reporter;
  signal: AbortSignal;
}

/** A file that is here, and the same as Jamf has on record. */
export interface Fetched {
  path: string;
  sha256: string;
  warnings: string[];
}

/** An address that was of no use; another may be. */
class Useless extends Error {}

const SECOND = 1000;
const TIMEOUTS = { lookup: 10 * SECOND, connect: 10 * SECOND, secureConnect: 10 * SECOND, socket: 60 * SECOND };
const PAUSES = [2 * SECOND, 6 * SECOND];
/** A strong entity tag. */
const TAG = /^"[\x21\x23-\x7e]{0,500}"$/;

/** Brings the files of packages here, each once, however often it is cut. */
export class Files {
  readonly #options: Fetching;
  #cloud: Promise<ReadonlyMap<string, CloudFile>> | null = null;

  constructor(options: Fetching) {
    this.#options = options;
  }

  /** Where a package's file lies in the folder that was named; null when it does not. */
  async inFolder({ fileName }: JamfPackage): Promise<string | null> {
    const { files } = this.#options;
    if (files === null || !isPlainName(fileName)) return null;
    // Shares of Macs have names in the other form, and the packages of a distribution point in a folder of their own.
    for (const name of new Set([fileName, fileName.normalize('NFC'), fileName.normalize('NFD')]))
      for (const folder of [files, path.join(files, 'Packages')]) {
        const at = path.join(folder, name);
        if ((await statOf(at)) !== null) return at;
      }
    return null;
  }

  /**
   * @throws D3Error notFound where there is no file, refused for one that is no file, verificationFailed for another one than
   *   Jamf has on record, depotUnreachable when it was cut; what has come is kept then
   */
  async fetch(jamf: JamfPackage): Promise<Fetched> {
    const { fileName } = jamf;
    if (!isPlainName(fileName)) throw unusable(fileName, 'its name is no name of a file', 'Rename it in Jamf Pro.');
    const there = await this.inFolder(jamf);
    const cloud = there === null ? await this.#inCloud(fileName) : null;
    const hashes = hashesOf({ ...jamf, cloud });
    const folder = this.#folderOf(jamf);
    const whole = path.join(folder, 'whole', fileName);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const kept = (await statOf(whole)) !== null;
    const come = kept ? whole : path.join(folder, 'part');
    if (!kept && there !== null) await this.#copy(there, fileName, folder);
    if (!kept && there === null) await this.#download(fileName, cloud as CloudFile, folder, hashes);
    const sha256 = await this.#held(come, fileName, folder, hashes);
    if (!kept) {
      await onDisk(come);
      await mkdir(path.dirname(whole), { recursive: true, mode: 0o700 });
      await rename(come, whole);
    }
    const text = kept ? 'it is here' : there === null ? 'it is fetched' : 'it is copied';
    this.#options.report({ type: 'end', target: fileName, outcome: 'ok', text });
    return { path: whole, sha256, warnings: doubts(hashes) };
  }

  /** Takes away what has come of a package. */
  async drop(jamf: JamfPackage): Promise<void> {
    await rm(this.#folderOf(jamf), { recursive: true, force: true });
  }

  /** Takes away what has come of packages nobody asks for any more. */
  async keepOnly(packages: readonly JamfPackage[]): Promise<void> {
    const kept = new Set(packages.map((jamf) => path.basename(this.#folderOf(jamf))));
    for (const name of await readdir(this.#room))
      if (!name.startsWith(MARK) && !kept.has(name))
        await rm(path.join(this.#room, name), { recursive: true, force: true });
  }

  get #room(): string {
    const { room } = this.#options;
    if (room === null) throw new Error('nothing can be fetched by who only reads');
    return room;
  }

  /** Another one for another file: what has come of the one is never taken for a part of the other. */
  #folderOf({ id, fileName, size, md5, sha256, sha3512, hashType, hashValue }: JamfPackage): string {
    const record = JSON.stringify([fileName, size, md5, sha256, sha3512, hashType, hashValue]);
    const print = createHash('sha256').update(record).digest('hex').slice(0, 16);
    return path.join(this.#room, `${id.replaceAll(/\D/g, '')}-${print}`);
  }

  async #inCloud(fileName: string): Promise<CloudFile> {
    this.#cloud ??= this.#readCloud();
    const found = (await this.#cloud).get(fileName);
    if (found !== undefined) return found;
    const { files } = this.#options;
    const where =
      files === null ? 'in the cloud distribution point' : `in ${files}, nor in the cloud distribution point`;
    throw new D3Error('JAMF_FILE_ABSENT', 'notFound', `${fileName} is not ${where}`, {
      target: fileName,
      actions: ['Mount the distribution point that has it, and name its folder: --files DIR'],
    });
  }

  async #readCloud(): Promise<ReadonlyMap<string, CloudFile>> {
    try {
      const all = (await this.#options.connection.call('cloudFiles')) as CloudFile[];
      return new Map(all.map((one) => [one.fileName, one]));
    } catch (error) {
      // A server without a cloud distribution point of Jamf's.
      if (error instanceof D3Error && error.code === 'JAMF_NOT_FOUND') return new Map();
      throw error;
    }
  }

  async #copy(from: string, fileName: string, folder: string): Promise<void> {
    const { report, signal } = this.#options;
    const found = (await statOf(from)) as Stats;
    if (found.isDirectory())
      throw unusable(
        fileName,
        'it is a folder: a bundle-style package, which machines no longer install',
        `Make a flat package of it: d3 pkg extract, then d3 pkg build, and add that with d3admin add`,
      );
    if (!found.isFile()) throw unusable(fileName, 'it is no file', 'Look at the folder of --files.');
    report({ type: 'begin', target: fileName, text: `copying it from ${path.dirname(from)}` });
    try {
      const source = createReadStream(from, { signal });
      await pipeline(
        source,
        counted(found.size, (done) => this.#advance(fileName, done, found.size)),
        createWriteStream(path.join(folder, 'part'), { mode: 0o600 }),
        { signal },
      );
    } catch (error) {
      signal.throwIfAborted();
      throw notBrought(fileName, error);
    }
  }

  /** From the beginning, or from where it was cut. */
  async #download(fileName: string, cloud: CloudFile, folder: string, hashes: Hashes): Promise<void> {
    const { connection, signal, report } = this.#options;
    const part = path.join(folder, 'part');
    report({ type: 'begin', target: fileName, text: 'fetching it from the cloud distribution point' });
    for (let failures = 0; ; ) {
      const before = (await statOf(part))?.size ?? 0;
      if (cloud.length !== undefined && before === cloud.length) return;
      try {
        const { uri } = (await connection.call('cloudFile', { params: { fileName } })) as { uri?: string };
        await this.#pull(addressOf(uri, fileName), fileName, folder, cloud, proves(hashes));
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof D3Error) throw error;
        const came = ((await statOf(part))?.size ?? 0) > before;
        failures = came ? 0 : failures + 1;
        const pause = PAUSES[Math.max(failures - 1, 0)];
        if (pause === undefined) throw notBrought(fileName, error);
        await connection.clock.wait(pause);
      }
    }
  }

  async #pull(url: URL, fileName: string, folder: string, cloud: CloudFile, proven: boolean): Promise<void> {
    const { signal } = this.#options;
    const [part, tagFile] = [path.join(folder, 'part'), path.join(folder, 'tag')];
    const { default: got } = await import('got');
    const tag = await readFile(tagFile, 'utf8').catch(() => '');
    // Where neither a tag nor a hash tells two files apart, only a whole one is one.
    const at = tag !== '' || proven ? ((await statOf(part))?.size ?? 0) : 0;
    const headers = at === 0 ? {} : { range: `bytes=${at}-`, ...(tag === '' ? {} : { 'if-range': tag }) };
    const stream = got.stream(url, {
      headers,
      timeout: TIMEOUTS,
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      decompress: false,
      signal,
    });
    const answer = await new Promise<{ statusCode: number; headers: Record<string, string | string[] | undefined> }>(
      (resolve, reject) => {
        stream.once('response', resolve);
        stream.once('error', reject);
      },
    );
    const goesOn = answer.statusCode === 206 && startOf(answer.headers['content-range']) === at && at > 0;
    if (!goesOn && answer.statusCode !== 200) {
      stream.destroy();
      // What has come may be no beginning of it any more.
      if (answer.statusCode === 416) await rm(part, { force: true });
      throw new Useless(`its address answers ${answer.statusCode}`);
    }
    const given = answer.headers['etag'];
    if (!goesOn) await writeFile(tagFile, typeof given === 'string' && TAG.test(given) ? given : '', { mode: 0o600 });
    const start = goesOn ? at : 0;
    await pipeline(
      stream,
      counted(cloud.length === undefined ? null : cloud.length - start, (done) =>
        this.#advance(fileName, start + done, cloud.length ?? null),
      ),
      createWriteStream(part, { flags: goesOn ? 'a' : 'w', mode: 0o600 }),
      { signal },
    );
    const size = (await statOf(part))?.size ?? 0;
    if (cloud.length !== undefined && size < cloud.length)
      throw new Useless(`only ${size} of ${cloud.length} bytes came`);
  }

  /** Its SHA-256, if it is the right one; of another file nothing is kept. */
  async #held(at: string, fileName: string, folder: string, hashes: Hashes): Promise<string> {
    try {
      return await holdAgainst(at, fileName, hashes, this.#options.signal);
    } catch (error) {
      if (error instanceof D3Error) await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  #advance(target: string, done: number, total: number | null): void {
    this.#options.report({ type: 'advance', target, done, total, unit: 'bytes' });
  }
}

function doubts(hashes: Hashes): string[] {
  if (proves(hashes)) return [];
  if (hashes['md5'] !== undefined) return ['Jamf Pro has no more than its MD5 on record, which proves nothing'];
  return ['Jamf Pro has no hash of it on record: nothing says that it is the file that was put there'];
}

/** Passes bytes on and says how many; more than there can be is an error. */
function counted(most: number | null, onBytes: (done: number) => void) {
  return async function* (source: AsyncIterable<Buffer>) {
    let done = 0;
    for await (const piece of source) {
      done += piece.length;
      if (most !== null && done > most) throw new Useless('more bytes came than it has');
      onBytes(done);
      yield piece;
    }
  };
}

function startOf(range: string | string[] | undefined): number | null {
  const start = /^bytes (\d+)-/.exec(String(range))?.[1];
  return start === undefined ? null : Number(start);
}

/** Where a file may be fetched from. It needs no token, and gets none. */
function addressOf(uri: string | undefined, fileName: string): URL {
  const url = URL.parse(uri ?? '');
  const loopback = ['127.0.0.1', '[::1]', 'localhost'].includes(url?.hostname ?? '');
  if (url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) return url;
  throw new D3Error('JAMF_BAD_ADDRESS', 'failed', `Jamf Pro gives no address of ${fileName} that can be trusted`, {
    target: fileName,
    actions: ['Name a folder that has it: --files DIR'],
  });
}

function isPlainName(fileName: string): boolean {
  return /^[^/\p{Cc}]{1,255}$/u.test(fileName) && !/^\.{1,2}$/.test(fileName);
}

function unusable(fileName: string, why: string, next: string): D3Error {
  return new D3Error('JAMF_FILE_UNUSABLE', 'refused', `${fileName} cannot be taken in: ${why}`, {
    target: fileName,
    actions: [next],
  });
}

function notBrought(fileName: string, cause: unknown): D3Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new D3Error(
    'JAMF_FILE_NOT_FETCHED',
    full ? 'failed' : 'depotUnreachable',
    `${fileName} could not be fetched: ${message}`,
    {
      target: fileName,
      actions: [full ? 'Make room, and run the command again.' : 'Run the command again: it goes on where it ended.'],
      cause,
    },
  );
}

/** Where no hash is on record, a name has to mean that all of it is there. */
async function onDisk(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function statOf(at: string): Promise<Stats | null> {
  try {
    return await stat(at);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
