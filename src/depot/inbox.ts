import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { problemsWith } from '../json-schema.ts';
import type { Clock } from '../platform/clock.ts';
import type { Report } from './contract.ts';
import { errnoOf, makeFolder, TEMP_PREFIX, writeFileDurably } from './files.ts';
import { COMPUTER_ID } from './report-path.ts';
import { reportSchema } from './schemas.ts';
import type { ComputerStore } from './store/contract.ts';

/**
 * The inbox: one file a report, `inbox/<computer id>/<time>-<run>.json`. Whoever can write there is not trusted: a bad
 * file is put aside with its reason and stops no other.
 */

export interface InboxOutcome {
  /** Reports taken in. */
  taken: number;
  /** Files put aside, by their path below the inbox. */
  rejected: { file: string; why: string }[];
}

/** Bytes. */
const MAX_REPORT_SIZE = 4 * 1024 * 1024;
/** Properties and lists inside of each other; a report needs five. What is deeper could not be written down again. */
const MAX_DEPTH = 20;
/** What one call looks at; the rest waits for the next. */
const MAX_FOLDERS = 100_000;
const MAX_FILES_PER_COMPUTER = 1_000;
/** Rejected files kept to look at; older ones go. */
const MAX_REJECTED = 1_000;
const REJECTED = '.rejected';
/** In the folder of rejected files: what is being removed. */
const GOING_PREFIX = '.going-';
/** Private folders of those who take reports in. */
const TAKING_PREFIX = '.taking-';
const TAKING = /^\.taking-[0-9a-f]{16}$/;
const NO_FOLDER = "it is not a computer's folder";
const DAY = 86_400_000;

const REPORT_FILE = /^\d{8}T\d{9}Z-(.+)\.json$/;

/** What came of reports that were handed over as texts. */
export interface ReportsTaken {
  /** Reports taken in that were not known. */
  taken: number;
  /** Reports that had been taken in before. */
  known: number;
  /** What was no report: which of those found, and why. */
  rejected: { file: string; why: string }[];
}

/**
 * Takes in the reports of an inbox. A report is removed once the store has it; a cut in between takes it twice, which
 * changes nothing.
 *
 * Others may write in the inbox while it is read: what was a folder a moment ago may be a link to anywhere. So each
 * computer's folder is first moved, by its name alone, into a private one, where it stays what it is; what a cut leaves
 * there the next call takes in.
 * @param options `isOwn`: it is the depot's own folder; in one of somebody else's what is no computer's is left alone
 * @param options `most`: how many computers' folders one call looks at
 */
export async function takeInbox(
  inbox: string,
  computers: ComputerStore,
  clock: Clock,
  { isOwn, most = MAX_FOLDERS }: { isOwn: boolean; most?: number },
): Promise<InboxOutcome> {
  const names = await readdir(inbox).catch(async (error) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    // Nothing is lost with an inbox: machines keep what they could not leave.
    await makeFolder(inbox, 0o700);
    return [];
  });
  const taking = new Taking(inbox, computers, clock);
  if (names.length > 0 && (await isOpenToAll(inbox))) {
    const why = `others can move what lies in it: chmod +t ${inbox}, or take it in as another user than root`;
    return { taken: 0, rejected: [{ file: '.', why }] };
  }
  const left: string[] = [];
  for (const name of names) if (TAKING.test(name) && (await isOurs(join(inbox, name), inbox))) left.push(name);
  try {
    for (const name of left) await taking.takeLeft(name);
    for (const name of names.filter((each) => COMPUTER_ID.test(each)).slice(0, most)) await taking.take(name);
    const others = names.filter((name) => name !== REJECTED && !left.includes(name) && !COMPUTER_ID.test(name));
    if (isOwn) for (const name of others.slice(0, most)) await taking.refuse(name);
  } finally {
    await taking.end();
  }
  return taking.outcome;
}

/** One call's work on an inbox. */
class Taking {
  readonly outcome: InboxOutcome = { taken: 0, rejected: [] };
  readonly #inbox: string;
  readonly #computers: ComputerStore;
  readonly #clock: Clock;
  /** Where folders are moved to, once there is one. */
  #private: string | null = null;

  constructor(inbox: string, computers: ComputerStore, clock: Clock) {
    this.#inbox = inbox;
    this.#computers = computers;
    this.#clock = clock;
  }

  /** Takes in what lies under a computer's name. */
  async take(computerId: string): Promise<void> {
    await this.#takeFrom(join(this.#inbox, computerId), computerId);
  }

  /** Takes in what a cut left. Another process may still be at it: two take the same, once. */
  async takeLeft(name: string): Promise<void> {
    const folder = join(this.#inbox, name);
    for (const moved of await readdir(folder).catch(() => [])) {
      const [computerId = ''] = moved.split('.');
      if (COMPUTER_ID.test(computerId)) await this.#takeFrom(join(folder, moved), computerId);
    }
    await rmdir(folder).catch(() => undefined);
  }

  /** Puts aside what is no computer's. */
  async refuse(name: string): Promise<void> {
    const path = join(this.#inbox, name);
    const found = await lstat(path).catch(() => null);
    if (found === null) return;
    if (!(await isUnfinished(path, found, this.#clock))) await this.#reject(path, name, NO_FOLDER);
  }

  async end(): Promise<void> {
    if (this.#private !== null) await rmdir(this.#private).catch(() => undefined);
  }

  async #takeFrom(from: string, computerId: string): Promise<void> {
    const moved = await this.#moveIn(from, computerId).catch((error) => reasonOf(error));
    if (moved === null) return;
    if (typeof moved === 'string') {
      this.outcome.rejected.push({ file: computerId, why: moved });
      return;
    }
    const { path } = moved;
    if ((await lstat(path)).isDirectory()) await this.#takeFiles(path, computerId);
    else await this.#reject(path, computerId, NO_FOLDER);
    await this.#putBack(path, computerId);
  }

  /** @returns where it is now; null: it is gone, or its place is, and waits for the next call */
  async #moveIn(from: string, computerId: string): Promise<{ path: string } | null> {
    this.#private ??= await makePrivate(this.#inbox);
    const path = join(this.#private, `${computerId}.${randomBytes(6).toString('hex')}`);
    try {
      await rename(from, path);
      return { path };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      // Maybe another process took our empty folder for one that was left.
      this.#private = null;
      return null;
    }
  }

  /** What is to stay for now goes back to where its machine looks for it. */
  async #putBack(path: string, computerId: string): Promise<void> {
    const isGone = await rmdir(path).then(
      () => true,
      (error) => errnoOf(error) === 'ENOENT',
    );
    // Where the machine has another by now, the next call finds it here.
    if (!isGone) await rename(path, join(this.#inbox, computerId)).catch(() => undefined);
  }

  /** @param folder in a private one: it is a folder, and stays one; what is in it may still change */
  async #takeFiles(folder: string, computerId: string): Promise<void> {
    const names = await readdir(folder).catch((error) => reasonOf(error));
    if (typeof names === 'string') {
      this.outcome.rejected.push({ file: computerId, why: names });
      return;
    }
    for (const name of names.toSorted().slice(0, MAX_FILES_PER_COMPUTER)) {
      const path = join(folder, name);
      const file = `${computerId}/${name}`;
      const found = await lstat(path).catch(() => null);
      if (found === null || (await isUnfinished(path, found, this.#clock))) continue;
      const read = await readReport(path, found, computerId).catch((error) => reasonOf(error));
      if (read instanceof NewerReport) {
        this.outcome.rejected.push({ file, why: read.why });
        continue;
      }
      if (typeof read === 'string') {
        await this.#reject(path, file, read);
        continue;
      }
      if (await this.#computers.takeReport(read)) this.outcome.taken += 1;
      await this.#computers.takeOverAhead(read.computer);
      await unlinkIfThere(path);
    }
  }

  #reject(path: string, file: string, why: string): Promise<void> {
    return reject(this.#inbox, path, { file, why }, this.outcome);
  }
}

/** Makes a folder into which computers' folders are moved. */
async function makePrivate(inbox: string): Promise<string> {
  const path = join(inbox, `${TAKING_PREFIX}${randomBytes(8).toString('hex')}`);
  await makeFolder(path, 0o700);
  return path;
}

/** Whether others could move away what lies in it: root is led nowhere by them. */
async function isOpenToAll(inbox: string): Promise<boolean> {
  const { mode } = await stat(inbox);
  return process.getuid?.() === 0 && (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
}

/** Whether it is a folder that nobody made but who owns the inbox or who asks. */
async function isOurs(path: string, inbox: string): Promise<boolean> {
  const { uid } = await stat(inbox);
  const found = await lstat(path).catch(() => null);
  return found?.isDirectory() === true && (found.uid === uid || found.uid === process.getuid?.());
}

async function unlinkIfThere(path: string): Promise<void> {
  await unlink(path).catch((error) => {
    // Gone, or somebody put a folder in its place: the next call looks at it.
    if (!['ENOENT', 'EISDIR', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  });
}

/** What the system says of a file that cannot be read. */
function reasonOf(error: unknown): string {
  if (errnoOf(error) === null) throw error;
  return `it cannot be read: ${(error as Error).message}`;
}

/** A file a machine is still writing is left alone, and removed when nobody has written to it for a day. */
async function isUnfinished(path: string, found: Stats, clock: Clock): Promise<boolean> {
  if (!basename(path).startsWith(TEMP_PREFIX) || !found.isFile()) return false;
  if (clock.now().getTime() - found.mtimeMs > DAY) await unlinkIfThere(path);
  return true;
}

/** When a file was last written to, in milliseconds since 1970; for ever young when it is gone meanwhile. */
async function changedAt(path: string): Promise<number> {
  return lstat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );
}

/** A report for a newer d3: it stays where it is until that d3 takes it in. */
class NewerReport {
  readonly why: string;

  constructor(schema: string) {
    this.why = `it has schema ${schema}, which this d3 does not know: update d3 here; it was left as it is`;
  }
}

/** @returns the report, or what is wrong with its file */
async function readReport(path: string, found: Stats, computerId: string): Promise<Report | NewerReport | string> {
  if (!found.isFile()) return 'it is not a regular file';
  const run = REPORT_FILE.exec(basename(path))?.[1];
  if (run === undefined) return 'its name is not TIME-RUN.json';
  const text = await readBounded(path);
  if (text === null) return `it is not a plain file of at most ${MAX_REPORT_SIZE} bytes`;
  const report = await reportIn(text);
  if (typeof report === 'string' || report instanceof NewerReport) return report;
  if (report.computer.id !== computerId) return 'it speaks for another computer';
  if (report.run !== run) return 'it speaks of another run than its name';
  return report;
}

/** @returns the report, or what is wrong with its text */
async function reportIn(text: string): Promise<Report | NewerReport | string> {
  let report: Report;
  try {
    report = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  if (isDeeper(report, MAX_DEPTH)) return `it is nested deeper than ${MAX_DEPTH}`;
  const schema: unknown = report?.schema;
  if (typeof schema === 'string' && /^d3\/report@(?:[2-9]|[1-9]\d+)$/.test(schema)) return new NewerReport(schema);
  const problems = await problemsWith(report, reportSchema);
  if (problems !== null) return `it is no report: ${problems}`;
  if (Number.isNaN(Date.parse(report.at))) return 'its time is none';
  return report;
}

/**
 * Takes in every report a text holds: each `<result>` element, as `d3 ea report` prints it and inventories export it in XML
 * or CSV, or each line where there is none.
 */
export async function takeReports(text: string, computers: ComputerStore): Promise<ReportsTaken> {
  const outcome: ReportsTaken = { taken: 0, known: 0, rejected: [] };
  for (const [at, found] of reportTexts(text).entries()) {
    const file = `report ${at + 1}`;
    const size = Buffer.byteLength(found);
    const read = size > MAX_REPORT_SIZE ? `it has more than ${MAX_REPORT_SIZE} bytes` : await reportIn(found);
    if (read instanceof NewerReport) outcome.rejected.push({ file, why: read.why });
    else if (typeof read === 'string') outcome.rejected.push({ file, why: read });
    else {
      if (await computers.takeReport(read)) outcome.taken += 1;
      else outcome.known += 1;
      await computers.takeOverAhead(read.computer);
    }
  }
  return outcome;
}

function reportTexts(text: string): string[] {
  const elements = [...text.matchAll(/<result>([^<]*)<\/result>/g)].map(([, inside]) => plainOf(inside as string));
  // An inventory that exports values alone has cut the tags off.
  const found = elements.length > 0 ? elements : text.split(/\r?\n/);
  return found.map((one) => one.trim()).filter((one) => one !== '');
}

/** The JSON in a value of XML, or of CSV, where quotes are doubled and the whole is in quotes. */
function plainOf(value: string): string {
  const plain = value
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
  return plain.startsWith('{""') ? plain.replaceAll('""', '"') : plain;
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inside) => isDeeper(inside, depth - 1));
}

async function readBounded(path: string): Promise<string | null> {
  // Neither a link is followed nor a pipe waited for, should the entry have changed since it was listed.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error) => {
    if (errnoOf(error) === 'ELOOP') return null;
    throw error;
  });
  if (handle === null) return null;
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.nlink !== 1 || found.size > MAX_REPORT_SIZE) return null;
    const buffer = Buffer.alloc(found.size);
    const { bytesRead } = await handle.read(buffer, 0, found.size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** @param path where it is now; `file` is its path below the inbox, for people */
async function reject(
  inbox: string,
  path: string,
  { file, why }: InboxOutcome['rejected'][number],
  outcome: InboxOutcome,
): Promise<void> {
  const aside = await asideFolder(inbox);
  if (aside === null) {
    outcome.rejected.push({
      file,
      why: `${why}; and it cannot be put aside: ${REJECTED} is no folder of the depot, remove it`,
    });
    return;
  }
  const name = `${randomBytes(6).toString('hex')}-${file.replace(/[^A-Za-z0-9._-]/g, '_').slice(-120)}`;
  await writeFileDurably(join(aside, `${name}.why.txt`), `${JSON.stringify(file)}: ${why}\n`, 0o600);
  try {
    await rename(path, join(aside, name));
    outcome.rejected.push({ file, why });
  } catch (error) {
    await rm(join(aside, `${name}.why.txt`), { force: true });
    // Gone: another process was faster.
    if (errnoOf(error) === 'ENOENT') return;
    outcome.rejected.push({ file, why: `${why}; and it cannot be put aside: ${reasonOf(error)}` });
  }
  await dropOldRejected(aside);
}

/** Where rejected files go; null when somebody else made what has this name: it could lead anywhere. */
async function asideFolder(inbox: string): Promise<string | null> {
  const aside = join(inbox, REJECTED);
  try {
    await makeFolder(aside, 0o700);
    return (await isOurs(aside, inbox)) ? aside : null;
  } catch (error) {
    if (['EEXIST', 'ENOTDIR', 'ELOOP', 'ENOENT'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

async function dropOldRejected(aside: string): Promise<void> {
  const names = await readdir(aside);
  for (const name of names) if (name.startsWith(GOING_PREFIX)) await removeWithin(aside, name);
  const reasons = names.filter((name) => name.endsWith('.why.txt'));
  if (reasons.length <= MAX_REJECTED) return;
  const aged: { name: string; at: number }[] = [];
  for (const name of reasons) aged.push({ name, at: await changedAt(join(aside, name)) });
  for (const { name } of aged.toSorted((a, b) => a.at - b.at).slice(0, reasons.length - MAX_REJECTED)) {
    await removeWithin(aside, name.slice(0, -'.why.txt'.length));
    await rm(join(aside, name), { force: true });
  }
}

/**
 * Removes something in a private folder, with all that is in it. Whoever put a folder there may still be at work in it:
 * what it holds is moved out by its name before it is looked at, so that no link is followed.
 */
async function removeWithin(folder: string, name: string): Promise<void> {
  const waiting = [name];
  const emptied: string[] = [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const path = join(folder, next);
    const found = await lstat(path).catch(() => null);
    if (found === null) continue;
    if (!found.isDirectory()) {
      await unlinkIfThere(path);
      continue;
    }
    emptied.push(path);
    for (const inside of await readdir(path)) {
      const moved = `${GOING_PREFIX}${randomBytes(8).toString('hex')}`;
      const isMoved = await rename(join(path, inside), join(folder, moved)).then(
        () => true,
        () => false,
      );
      if (isMoved) waiting.push(moved);
    }
  }
  for (const path of emptied) await rmdir(path).catch(() => undefined);
}
