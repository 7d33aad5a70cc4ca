/**
 * What d3RepoMan costs while somebody works: processor time over switching between two windows of a real X session, and over
 * nobody switching, each against a Node that does nothing for as long. Seconds as the argument: 60 unless said, and 600 is what
 * the figures in the documents are from. Needs what the lab installs (scripts/lab.sh).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeUsageFolder } from '../plugins/expiration/src/repoman/agent.ts';
import { usageFolder } from '../plugins/expiration/src/usage-folder.ts';
import { Display, until } from '../test/lab/display.ts';
import { say } from './measure.ts';

const project = path.dirname(import.meta.dirname);
const seconds = Number(process.argv[2] ?? 60);
/** Milliseconds between two switches: nobody works faster for ten minutes. */
const SWITCH = 2000;
/** Milliseconds until a program has started and is at rest. */
const REST = 3000;
/** Of the kernel's clock in /proc, on every Linux there is. */
const TICKS_PER_SECOND = 100;

const dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-repoman-'));
const display = await Display.open();
const started: ChildProcess[] = [];
try {
  makeUsageFolder(usageFolder(dir, 'linux'));
  for (const name of ['one', 'two']) open(name);
  const monitor = start(path.join(project, 'bin/d3'), 'repoman');
  const floor = start(process.execPath, '-e', 'setInterval(() => undefined, 2 ** 30)');
  await until(() => readFileSync(`/proc/${monitor.pid}/cmdline`, 'utf8').startsWith('d3RepoMan'));
  await display.activate('one');
  await sleep(REST);

  say(`d3RepoMan, ${seconds} s each, beside a Node that does nothing:`);
  const switches = await measured('a switch every 2 s', [monitor, floor], async (left) => {
    let count = 0;
    for (; left() > SWITCH; count += 1) {
      await display.activate(count % 2 === 0 ? 'two' : 'one');
      await sleep(SWITCH);
    }
    return count;
  });
  say(`  ${switches} switches`);
  await measured('nobody switches', [monitor, floor], async (left) => sleep(left()));
  say(`  memory: ${memory(monitor)} MiB of its own, ${memory(floor)} MiB the Node that does nothing`);
} finally {
  for (const child of started) child.kill();
  await display.close();
  rmSync(dir, { recursive: true, force: true });
}

/** An app with one window, in a place of its own. */
function open(name: string): void {
  const program = path.join(dir, name, 'app');
  mkdirSync(path.dirname(program));
  copyFileSync(realpathSync('/usr/bin/wish'), program);
  const window = path.join(dir, `${name}.tcl`);
  writeFileSync(window, `wm title . ${name}; wm client . [info hostname]\n`);
  display.start(program, window);
}

function start(program: string, ...args: string[]): ChildProcess {
  const env = { ...display.env, PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, D3_ROOT: dir };
  const child = spawn(program, args, { env, stdio: 'ignore' });
  started.push(child);
  return child;
}

/** @param work gets what tells the milliseconds that are left */
async function measured<Result>(
  what: string,
  [monitor, floor]: readonly [ChildProcess, ChildProcess],
  work: (left: () => number) => Promise<Result>,
): Promise<Result> {
  const began = performance.now();
  const before = [used(monitor), used(floor)] as const;
  const result = await work(() => seconds * 1000 - (performance.now() - began));
  const wall = (performance.now() - began) / 1000;
  const [own, least] = [used(monitor) - before[0], used(floor) - before[1]];
  say(
    `  ${what}: ${own.toFixed(2)} s of processor time in ${wall.toFixed(0)} s, ${((own / wall) * 100).toFixed(3)} %; ` +
      `the floor ${least.toFixed(2)} s, ${((least / wall) * 100).toFixed(3)} %`,
  );
  return result;
}

/** Processor seconds of a process, of the children it waited for, and of those that still run. */
function used({ pid }: Pick<ChildProcess, 'pid'>): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // utime, stime, cutime, cstime (proc_pid_stat(5)), counted from behind the name.
  const times = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15);
  const own = times.reduce((sum, ticks) => sum + Number(ticks), 0);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((child) => child !== '');
  return own / TICKS_PER_SECOND + children.reduce((sum, child) => sum + used({ pid: Number(child) }), 0);
}

/** MiB that are no other process's as well. */
function memory({ pid }: ChildProcess): number {
  const [, kilobytes = '0'] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}
