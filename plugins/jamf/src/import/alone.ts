import { open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { D3Error } from '@d3/sdk';

/** Beside what is fetched, and not taken for it. */
export const MARK = '.busy';

/**
 * Works in a folder as the only one on this host: two that fetch the same file would write into each other's.
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
  for (;;) {
    try {
      const handle = await open(mark, 'wx', 0o600);
      try {
        await handle.writeFile(String(process.pid));
      } finally {
        await handle.close();
      }
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = Number(await readFile(mark, 'utf8').catch(() => ''));
    if (lives(other))
      throw new D3Error(`${what.toUpperCase()}_BUSY`, 'busy', `Another ${what} is under way here (process ${other})`, {
        target: `jamf ${what}`,
        actions: ['Wait until it has ended.'],
      });
    await rm(mark, { force: true });
  }
}

/** Whether a process is there; one that was killed left its mark behind. */
function lives(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
