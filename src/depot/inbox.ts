import { randomBytes } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
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
/** Where a computer's folder is while it is looked through: nobody else reaches into it, so that nobody makes a link of it. */
const TAKING = '.taking';
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
 * @param options `isOwn`: it is the depot's own folder; in one of somebody else's what is no computer's is left alone
 */
export async function takeInbox(
  inbox: string,
  computers: ComputerStore,
  clock: Clock,
  { isOwn }: { isOwn: boolean },
): Promise<InboxOutcome> {
  const outcome: InboxOutcome = { taken: 0, rejected: [] };
  const entries = await readdir(inbox, { withFileTypes: true }).catch(async (error) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    // Nothing is lost with an inbox: machines keep what they could not leave.
    await makeFolder(inbox, 0o700);
    return [];
  });
  const taking = await privateFolder(inbox, TAKING);
  if (taking === null) {
    outcome.rejected.push({ file: TAKING, why: 'it is no folder of the depot: remove it' });
    return outcome;
  }
  // What a run that was killed had in hand.
  for (const name of await readdir(taking)) await takeFolder(inbox, taking, name, computers, clock, outcome);
  const folders = entries.filter(
    ({ name }) => name !== REJECTED && name !== TAKING && (isOwn || COMPUTER_ID.test(name)),
  );
  for (const folder of folders.slice(0, MAX_FOLDERS)) {
    if (await isUnfinished(inbox, folder, clock)) continue;
    if (folder.isDirectory() && COMPUTER_ID.test(folder.name)) {
      const name = `${folder.name}.${randomBytes(6).toString('hex')}`;
      const moved = await rename(join(inbox, folder.name), join(taking, name)).catch((error) =>
        // Another process was faster.
        errnoOf(error) === 'ENOENT' ? null : reasonOf(error),
      );
      if (moved === undefined) await takeFolder(inbox, taking, name, computers, clock, outcome);
      else if (moved !== null) outcome.rejected.push({ file: folder.name, why: moved });
    } else {
      await reject(inbox, join(inbox, folder.name), folder.name, "it is not a computer's folder", outcome);
    }
  }
  await rmdir(taking).catch(() => undefined);
  return outcome;
}

/**
 * Takes in what is in a folder that nobody else can reach. What is left there, as reports of a newer d3 and files somebody
 * still writes, goes back to where it came from.
 */
async function takeFolder(
  inbox: string,
  taking: string,
  name: string,
  computers: ComputerStore,
  clock: Clock,
  outcome: InboxOutcome,
): Promise<void> {
  const folder = join(taking, name);
  const computerId = name.split('.')[0] as string;
  // It was a folder when it was listed; its owner may have put something else there before it was moved.
  const found = await lstat(folder).catch(() => null);
  if (found === null) return;
  if (!found.isDirectory()) {
    await reject(inbox, folder, computerId, "it is not a computer's folder", outcome);
    return;
  }
  const entries = await readdir(folder, { withFileTypes: true }).catch((error) => reasonOf(error));
  if (typeof entries === 'string') {
    outcome.rejected.push({ file: computerId, why: entries });
  } else {
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries.slice(0, MAX_FILES_PER_COMPUTER))
      await takeFile(inbox, folder, entry, computerId, computers, clock, outcome);
  }
  // An empty folder goes.
  await rmdir(folder).catch(() => rename(folder, join(inbox, computerId)).catch(() => undefined));
}

async function takeFile(
  inbox: string,
  folder: string,
  entry: Dirent,
  computerId: string,
  computers: ComputerStore,
  clock: Clock,
  outcome: InboxOutcome,
): Promise<void> {
  if (await isUnfinished(folder, entry, clock)) return;
  const path = join(folder, entry.name);
  const file = `${computerId}/${entry.name}`;
  const read = await readReport(path, entry, computerId).catch((error) => reasonOf(error));
  if (read instanceof NewerReport) {
    outcome.rejected.push({ file, why: read.why });
    return;
  }
  if (typeof read === 'string') {
    await reject(inbox, path, file, read, outcome);
    return;
  }
  if (await computers.takeReport(read)) outcome.taken += 1;
  await rm(path, { force: true });
}

/** What the system says of a file that cannot be read. */
function reasonOf(error: unknown): string {
  if (errnoOf(error) === null) throw error;
  return `it cannot be read: ${(error as Error).message}`;
}

/** A file a machine is still writing is left alone, and removed when nobody has written to it for a day. */
async function isUnfinished(folder: string, entry: Dirent, clock: Clock): Promise<boolean> {
  if (!entry.name.startsWith(TEMP_PREFIX) || !entry.isFile()) return false;
  const path = join(folder, entry.name);
  if (clock.now().getTime() - (await changedAt(path)) > DAY) await rm(path, { force: true });
  return true;
}

/** When a file was last written to, in milliseconds since 1970; for ever young when it is gone meanwhile. */
async function changedAt(path: string): Promise<number> {
  return stat(path).then(
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
async function readReport(path: string, entry: Dirent, computerId: string): Promise<Report | NewerReport | string> {
  if (!entry.isFile()) return 'it is not a regular file';
  const run = REPORT_FILE.exec(entry.name)?.[1];
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
    else if (await computers.takeReport(read)) outcome.taken += 1;
    else outcome.known += 1;
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

/** @param path where it is; `file` is what it was called */
async function reject(inbox: string, path: string, file: string, why: string, outcome: InboxOutcome): Promise<void> {
  const aside = await privateFolder(inbox, REJECTED);
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

/** A folder of the depot's own in the inbox; null when somebody else made what has this name: it could lead anywhere. */
async function privateFolder(inbox: string, name: string): Promise<string | null> {
  const folder = join(inbox, name);
  try {
    await makeFolder(folder, 0o700);
    const { uid } = await stat(inbox);
    const found = await lstat(folder);
    return found.isDirectory() && (found.uid === uid || found.uid === process.getuid?.()) ? folder : null;
  } catch (error) {
    if (['EEXIST', 'ENOTDIR', 'ELOOP', 'ENOENT'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

async function dropOldRejected(aside: string): Promise<void> {
  const reasons = (await readdir(aside)).filter((name) => name.endsWith('.why.txt'));
  if (reasons.length <= MAX_REJECTED) return;
  const aged: { name: string; at: number }[] = [];
  for (const name of reasons) aged.push({ name, at: await changedAt(join(aside, name)) });
  for (const { name } of aged.toSorted((a, b) => a.at - b.at).slice(0, reasons.length - MAX_REJECTED)) {
    await rm(join(aside, name.slice(0, -'.why.txt'.length)), { recursive: true, force: true });
    await rm(join(aside, name), { force: true });
  }
}
