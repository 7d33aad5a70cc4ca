import { existsSync, readFileSync } from 'node:fs';

/** Waits until something holds. @param within milliseconds */
export async function until(what: string, holds: () => boolean, within = 8000): Promise<void> {
  for (const end = Date.now() + within; Date.now() < end; ) {
    try {
      if (holds()) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(`it did not come to it: ${what}`);
}

/** Whether a process runs; one that has ended and that nobody has asked about yet does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const file = `/proc/${pid}/stat`;
    return !existsSync(file) || !/\) Z /.test(readFileSync(file, 'latin1'));
  } catch {
    return false;
  }
}
