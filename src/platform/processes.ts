import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { MAC_PROGRAMS } from './programs.ts';

/** A program that runs on this host. */
export interface RunningProcess {
  pid: number;
  /** Absolute path of its executable; null where it cannot be read. */
  executable: string | null;
  /** Base name of its executable; null where it cannot be read. */
  program: string | null;
  /** Every full name it goes by. */
  names: string[];
  /** What the kernel keeps of its name, where no full one can be read: 15 bytes, which may be all of it or the beginning. */
  cut: string | null;
}

/** Names of what runs, each once, sorted. */
export interface ProcessNames {
  processes: string[];
  /** Names of which only the first 15 bytes are known. */
  cutProcesses: string[];
}

/** Bytes the kernel keeps of a process's name. */
const KEPT_BYTES = 15;
/** Of `flags` in /proc/PID/stat (proc_pid_stat(5)): a thread of the kernel. */
const KERNEL_THREAD = 0x00200000;
const PS_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
const QUIT_WAIT_MS = 30_000;

/** Lists what runs on this host, but for d3 itself: what must not run while Node does could else never be installed. */
export async function listProcesses(): Promise<RunningProcess[]> {
  return (await allProcesses()).filter(({ pid }) => pid !== process.pid);
}

/**
 * What d3 was started by, the nearest first.
 * @throws D3Error failed `PROCESSES_UNKNOWN`
 */
export async function startedBy(): Promise<RunningProcess[]> {
  if (process.platform === 'linux')
    return ancestorsOf(process.pid).flatMap((pid) => processAt('/proc', String(pid)) ?? []);
  const rows = parsePsWithParents(await psOutput('pid=,ppid=,comm='));
  const found: RunningProcess[] = [];
  for (let at = process.ppid; at > 1 && found.every(({ pid }) => pid !== at); ) {
    const row = rows.get(at);
    if (row === undefined) break;
    found.push(row.process);
    at = row.parent;
  }
  return found;
}

async function allProcesses(): Promise<RunningProcess[]> {
  if (process.platform === 'linux') return processesIn('/proc');
  return parsePs(await psOutput('pid=,comm='));
}

/** A Mac's table of processes. @param columns as its `-o` takes them */
async function psOutput(columns: string): Promise<string> {
  const { runProgram } = await import('./program.ts');
  const { code, stdout, cut, lastLines } = await runProgram({
    program: MAC_PROGRAMS.ps,
    args: ['-A', '-o', columns],
    timeout: PS_TIMEOUT_MS,
  });
  if (code === 0 && !cut) return stdout;
  // Taking nothing to run would let an update go on under an app.
  throw new D3Error('PROCESSES_UNKNOWN', 'failed', 'What runs on this machine cannot be found out.', {
    target: MAC_PROGRAMS.ps,
    actions: [`see what it says: ${lastLines.at(-1) ?? 'nothing'}`],
  });
}

export function namesOf(running: readonly RunningProcess[]): ProcessNames {
  return {
    processes: distinct(running.flatMap(({ names }) => names)),
    cutProcesses: distinct(running.flatMap(({ cut }) => cut ?? [])),
  };
}

/** Reads the output of a Mac's `ps -A -o pid=,comm=`: a number and the executable's path, spaces in it and all. */
export function parsePs(output: string): RunningProcess[] {
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\S.*)$/.exec(line);
    if (match === null) return [];
    const command = (match[2] as string).trimEnd();
    const name = path.basename(command);
    const executable = path.isAbsolute(command) ? command : null;
    return name === '' ? [] : [{ pid: Number(match[1]), executable, program: name, names: [name], cut: null }];
  });
}

/** The same of `ps -A -o pid=,ppid=,comm=`, by number, each with the one that started it. */
export function parsePsWithParents(output: string): Map<number, { parent: number; process: RunningProcess }> {
  const rows = output.split('\n').flatMap((line) => {
    const [, pid = '', parent = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S.*)$/.exec(line) ?? [];
    return parsePs(`${pid} ${command}`).map((process) => [Number(pid), { parent: Number(parent), process }] as const);
  });
  return new Map(rows);
}

/** Reads Linux's table of processes. @param proc where it is mounted */
export function processesIn(proc: string): RunningProcess[] {
  return readdirSync(proc).flatMap((pid) => (/^\d+$/.test(pid) ? (processAt(proc, pid) ?? []) : []));
}

/** @returns null when it has ended, or is no program at all */
function processAt(proc: string, pid: string): RunningProcess | null {
  const executable = executableAt(proc, pid);
  const program = executable === null ? null : path.basename(executable);
  const first = textOf(path.join(proc, pid, 'cmdline'))?.split('\0')[0] ?? '';
  const names = [program ?? '', path.basename(first)].filter((name) => name !== '');
  if (names.length > 0) return { pid: Number(pid), executable, program, names: distinct(names), cut: null };
  const kept = textOf(path.join(proc, pid, 'comm'))?.trimEnd() ?? '';
  if (kept === '' || isNoProgram(textOf(path.join(proc, pid, 'stat')) ?? '')) return null;
  const isCut = Buffer.byteLength(kept) >= KEPT_BYTES;
  return { pid: Number(pid), executable, program, names: isCut ? [] : [kept], cut: isCut ? kept : null };
}

/** Another user's cannot be read; a thread of the kernel has none. */
function executableAt(proc: string, pid: string): string | null {
  try {
    // The kernel says so behind the path when the program was replaced while it runs.
    return readlinkSync(path.join(proc, pid, 'exe')).replace(/ \(deleted\)$/, '');
  } catch {
    return null;
  }
}

/** What has ended and waits to be fetched by its parent runs no more; threads of the kernel are not what anybody means. */
function isNoProgram(stat: string): boolean {
  // The name in parentheses may hold anything, parentheses too.
  const [state = '', , , , , , flags = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' || (Number(flags) & KERNEL_THREAD) !== 0;
}

/**
 * Asks every process whose executable has exactly one of these names to end (SIGTERM, never more), and waits until they
 * have or the time is over. d3 itself and what it was started from are not asked.
 */
export async function askToQuit(names: readonly string[], signal: AbortSignal, waitMs = QUIT_WAIT_MS): Promise<void> {
  const spared = new Set([process.pid, ...ancestorsOf(process.pid)]);
  const wanted = (running: readonly RunningProcess[]) =>
    running.filter(({ pid, program }) => program !== null && names.includes(program) && !spared.has(pid));
  for (const { pid, program } of wanted(await listProcesses())) {
    // Numbers are used again: it is asked only if it is still the same program.
    if (process.platform !== 'linux' || path.basename(executableAt('/proc', String(pid)) ?? '') === program)
      terminate(pid);
  }
  for (let waited = 0; waited < waitMs; waited += POLL_MS) {
    if (wanted(await listProcesses()).length === 0) return;
    await sleep(POLL_MS, undefined, { signal });
  }
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // It has ended by itself, or is not ours to ask: whether it still runs is looked at again.
  }
}

/** The nearest first; where it cannot be known, only that one. */
function ancestorsOf(pid: number): number[] {
  if (process.platform !== 'linux') return [process.ppid];
  const found: number[] = [];
  for (let at = pid; at > 1; ) {
    const stat = textOf(`/proc/${at}/stat`) ?? '';
    at = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
    if (at > 0) found.push(at);
  }
  return found;
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted();
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
