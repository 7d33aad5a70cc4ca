import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';

/** Beside what is kept in a folder, and not taken for it. */
export const MARK = '.busy';
const MINUTE = 60_000;

/**
 * Works in a folder as the only one on this host: two imports would write into each other's files, two pulls over each other's links.
 * @throws D3Error busy while another process that lives does
 */
export async function alone<Result>(room: string, work: () => Promise<Result>, what = 'import'): Promise<Result> {
  const mark = path.join(room, MARK);
  await take(mark, what);
  try {
    return await work();
  } finally {
    await rm(mark, { force: true });
  }
}

async function take(mark: string, what: string): Promise<void> {
  // Nobody ever sees a mark that does not say whose it is.
  const mine = `${mark}-${randomBytes(8).toString('hex')}`;
  await writeFile(mine, String(process.pid), { flag: 'wx', mode: 0o600 });
  try {
    while (!(await linked(mine, mark))) {
      const found = await whose(mark);
      if (found === null) continue;
      if (lives(found)) throw busy(what, found.pid);
      await dropStale(mark, found.ino);
    }
  } finally {
    await rm(mine, { force: true });
  }
}

interface Mark {
  pid: number;
  ino: number;
  /** When it was made, in milliseconds since 1970. */
  at: number;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

async function whose(mark: string): Promise<Mark | null> {
  try {
    const { ino, mtimeMs } = await stat(mark);
    return { pid: Number(await readFile(mark, 'utf8')), ino, at: mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
}

/** Removes a mark nobody stands behind; one that another process has just put in its place goes back. */
async function dropStale(mark: string, ino: number): Promise<void> {
  const aside = `${mark}-${randomBytes(8).toString('hex')}`;
  try {
    await rename(mark, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return;
  }
  if ((await stat(aside)).ino !== ino) await linked(aside, mark);
  await rm(aside, { force: true });
}

function busy(what: string, pid: number): D3Error {
  return new D3Error(`${what.toUpperCase()}_BUSY`, 'busy', `Another ${what} is under way here (process ${pid})`, {
    target: `jamf ${what}`,
    actions: ['Wait until it has ended.'],
  });
}

/** Whether a process is there; one that was killed left its mark behind. */
function lives({ pid, at }: Mark): boolean {
  // After a restart the number may be anybody's.
  if (at < Date.now() - uptime() * 1000 - MINUTE) return false;
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
