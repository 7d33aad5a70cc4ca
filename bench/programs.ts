/** Whole command lines, other programs among them, measured from outside. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const LOOK_EVERY = 5;

/** Wall time of a command line of `sh`, milliseconds. Throws when it fails. */
export function timedLine(line: string): number {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync('sh', ['-ec', line], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const wall = Number(process.hrtime.bigint() - started) / 1e6;
  if (status !== 0) throw new Error(`"${line}" ended with ${status}: ${stderr}`);
  return wall;
}

/**
 * Largest resident size that one process of a command line had, MiB; null where the system does not tell. What a
 * process says of itself would not do: its count begins with the size of whoever started it.
 */
export async function peakOfLine(line: string): Promise<number | null> {
  const shell = spawn('sh', ['-ec', line], { stdio: 'ignore' });
  let peak = 0;
  const looking = setInterval(() => {
    for (const pid of descendants(shell.pid ?? 0)) peak = Math.max(peak, highWater(pid));
  }, LOOK_EVERY);
  await new Promise((resolve) => {
    shell.on('exit', resolve);
  });
  clearInterval(looking);
  return peak === 0 ? null : peak / 1024;
}

function descendants(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const children = tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '));
    const pids = children.filter((text) => text !== '').map(Number);
    return [...pids, ...pids.flatMap(descendants)];
  } catch {
    return [];
  }
}

/** In KiB; 0 for a process that is gone. */
function highWater(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The first of these commands that this machine has, else null. */
export function available(...names: string[]): string | null {
  for (const name of names) {
    if (spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0) return name;
  }
  return null;
}
