/**
 * Many tiny packages: d3 with flat packages into a root folder, against `dpkg -i` of just such .debs into another, and how often
 * each asks for the disk. Both are whole processes on fresh roots, in turn.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { silentReporter } from '@d3/sdk';
import { addEdition } from '../src/admin/add.ts';
import { makeLive, proposeLive } from '../src/admin/live.ts';
import { withDepot } from '../src/admin/session.ts';
import { initDepot } from '../src/depot/index.ts';
import { noPlugins } from '../src/lifecycle/plugins.ts';
import { systemClock } from '../src/platform/clock.ts';
import { LINUX_PROGRAMS } from '../src/platform/programs.ts';
import { median, say } from './measure.ts';

const project = path.dirname(import.meta.dirname);
const STRACE = '/usr/bin/strace';
const DPKG_DEB = '/usr/bin/dpkg-deb';
const PACKAGES = 100;
const ROUNDS = 5;

const dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-'));
try {
  if (existsSync(LINUX_PROGRAMS.dpkg) && existsSync(DPKG_DEB)) await compare();
  else say(`${PACKAGES} tiny packages against dpkg: skipped, there is no dpkg here (Debian's package dpkg)`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  const sources = Array.from({ length: PACKAGES }, (_, at) => source(`tiny-${at}`));
  const depot = await depotOf(sources);
  const debs = sources.map(({ folder }) => debOf(folder));
  const env = { ...process.env, D3_DEPOT: depot, USER: 'sally' };
  const d3 = (root: string) => [process.execPath, path.join(project, 'bin/run.js'), 'sync', '--root', root];
  const dpkg = (root: string) => [LINUX_PROGRAMS.dpkg, `--root=${root}`, '--log=/dev/null', '-i', ...debs];
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    ours.push(timed(d3(root('d3', round)), env));
    theirs.push(timed(dpkg(root('dpkg', round)), env));
  }
  const ratio = median(ours.map((wall, at) => wall / (theirs[at] ?? wall)));
  const walls = `${median(ours).toFixed(0)} ms against ${median(theirs).toFixed(0)} ms`;
  say(`${PACKAGES} tiny packages, d3 sync against dpkg -i: ${ratio.toFixed(2)} x (${walls}, ${ROUNDS} rounds in turn)`);
  if (!existsSync(STRACE)) {
    say("how often each has the disk written out: not counted, there is no strace here (Debian's package strace)");
    return;
  }
  const counts = [d3(root('d3', ROUNDS)), dpkg(root('dpkg', ROUNDS))].map((argv) => syncs(argv, env));
  say(`fsync and the like: d3 ${counts[0]}; dpkg ${counts[1]}`);
}

/** A folder that stands for what a package holds, and is a .deb's source as well. */
function source(name: string): { name: string; folder: string } {
  const folder = path.join(dir, 'sources', name);
  mkdirSync(path.join(folder, 'opt', name), { recursive: true });
  for (let at = 0; at < 3; at += 1) writeFileSync(path.join(folder, 'opt', name, `file-${at}`), `${name} ${at}\n`);
  return { name, folder };
}

function debOf(folder: string): string {
  const name = path.basename(folder);
  const made = path.join(dir, 'debs', name);
  cpSync(folder, made, { recursive: true });
  mkdirSync(path.join(made, 'DEBIAN'));
  const control = [
    `Package: ${name}`,
    'Version: 1',
    'Architecture: all',
    'Maintainer: a <a@b.c>',
    'Description: x',
    '',
  ];
  writeFileSync(path.join(made, 'DEBIAN', 'control'), control.join('\n'));
  execFileSync(DPKG_DEB, ['--root-owner-group', '--build', made, `${made}.deb`], { stdio: 'ignore' });
  return `${made}.deb`;
}

async function depotOf(sources: readonly { name: string; folder: string }[]): Promise<string> {
  const depot = path.join(dir, 'depot');
  await initDepot(depot, { clock: systemClock });
  const signal = new AbortController().signal;
  const session = {
    dir: depot,
    admin: 'sally',
    clock: systemClock,
    plugins: noPlugins,
    report: silentReporter,
    signal,
  };
  await withDepot(session, async (opened) => {
    for (const { name, folder } of sources) {
      const output = path.join(dir, `${name}.pkg`);
      await build({ root: folder, output, identifier: `org.example.${name}`, version: '1' });
      const typed = { version: '1', autoGroups: 'standard' };
      const added = await addEdition({ basename: name, typed, source: output, inherit: false }, opened);
      await makeLive(await proposeLive(added.edition.edition, opened), opened);
    }
  });
  return depot;
}

/** A fresh root, with what dpkg wants to find there. */
function root(whose: string, round: number): string {
  const made = path.join(dir, `root-${whose}-${round}`);
  const records = path.join(made, 'var/lib/dpkg');
  for (const folder of ['info', 'updates', 'triggers']) mkdirSync(path.join(records, folder), { recursive: true });
  writeFileSync(path.join(records, 'status'), '');
  return made;
}

function timed([program, ...argv]: string[], env: NodeJS.ProcessEnv): number {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync(program as string, argv, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - started) / 1e6;
}

/** How often a program and what it starts ask for data to be on the disk, by the name of the call. */
function syncs(argv: string[], env: NodeJS.ProcessEnv): string {
  const out = path.join(dir, 'strace');
  const calls = 'trace=fsync,fdatasync,sync_file_range,syncfs,sync';
  timed([STRACE, '-c', '-f', '-o', out, '-e', calls, ...argv], env);
  const found = readFileSync(out, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match =
        /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(fsync|fdatasync|sync_file_range|syncfs|sync)$/.exec(line);
      return match === null ? [] : [`${match[1]} ${match[2]}`];
    });
  return found.length === 0 ? 'none' : found.join(', ');
}
