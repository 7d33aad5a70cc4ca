import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PLACE } from './work-folder.ts';

/** What is needed of a machine to list its processes. */
const PS = '/bin/ps';

/**
 * Ends what a show that was killed left on the screen, and takes its place away. Programs of a show have its place on their command
 * lines, whose name nobody could guess: so none of anybody else's is met, whatever has become of process numbers.
 * @param place absolute path, as the show's report names it
 */
export function clearAway(place: string): void {
  if (!path.isAbsolute(place) || !path.basename(place).startsWith(PLACE)) return;
  for (const { pid, words } of processes()) {
    if (pid === process.pid || !words.includes(`${place}/`)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  try {
    rmSync(place, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  } catch {
    // Something of it still writes there. It is in a folder of passing things, and goes with them.
  }
}

function processes(): { pid: number; words: string }[] {
  if (process.platform === 'linux')
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        return [{ pid: Number(name), words: readFileSync(`/proc/${name}/cmdline`, 'latin1') }];
      } catch {
        return [];
      }
    });
  try {
    const listed = execFileSync(PS, ['-axww', '-o', 'pid=,command='], { encoding: 'latin1', timeout: 10_000, env: {} });
    return listed.split('\n').map((line) => ({ pid: Number.parseInt(line, 10), words: line }));
  } catch {
    return [];
  }
}
