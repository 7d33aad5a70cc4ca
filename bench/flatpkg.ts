/**
 * Packages against the tools one would otherwise use, whole processes on a file system in memory where there is one.
 * Ends with 1 when one of the floors at the end of this file does not hold. Installs nothing: what is missing is named.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { median, say } from './measure.ts';
import { fillRoot } from './package-root.ts';
import { available, peakOfLine, timedLine } from './programs.ts';

/** One way of doing a task. */
interface Way {
  name: string;
  /** Commands it needs; an entry of several names stands for any one of them. */
  needs: string[][];
  /** What `sh` is to do, given the commands found. */
  line(found: string[]): string;
}

interface Task {
  name: string;
  runs: number;
  ours: string;
  others: Way[];
  /** Floors: the most that ours may take of the fastest other way (wall time), and in memory (MiB). */
  mostRatio: number;
  mostPeak: number;
}

interface Measured {
  wall: number;
  /** Median of ours over this, pair by pair; null for ours. */
  ratio: number | null;
  peak: number | null;
}

// 160 MB, in MiB.
const MOST_PEAK = 160e6 / 2 ** 20;
const NEEDED_SPACE = 3 * 1024 ** 3;
const PACKAGES: Readonly<Record<string, string>> = {
  bsdtar: 'libarchive-tools',
  cpio: 'cpio',
  gzip: 'gzip',
  '7z': '7zip',
  mkbom: 'bomutils, which Debian does not have',
  xar: 'xar, from Debian 13 on',
};

const ROUNDS = Number(process.argv[2] ?? 7);
const dir = mkdtempSync(path.join(roomyFolder(), 'd3-bench-'));
const [root, pkg, out, work] = ['root', 'app.pkg', 'out', 'work'].map((name) => path.join(dir, name)) as [
  string,
  string,
  string,
  string,
];
const node = `'${process.execPath}'`;
const script = `${node} '${path.join(import.meta.dirname, 'flatpkg-task.js')}'`;
const d3 = `${node} '${path.join(path.dirname(import.meta.dirname), 'bin/run.js')}'`;
let missed = 0;
try {
  mkdirSync(root);
  fillRoot(root);
  timedLine(`${script} build ${root} ${pkg}`);
  for (const task of tasks()) await run(task);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
say('');
if (missed > 0) say(`${missed} of the floors do not hold`);
process.exitCode = missed > 0 ? 1 : 0;

function tasks(): Task[] {
  const info = `printf '<pkg-info/>' > ${work}/PackageInfo`;
  const members = 'PackageInfo Bom Payload';
  const archive = (tool: string) =>
    tool === 'xar'
      ? `cd ${work} && xar --compression none -cf ${out} ${members}`
      : `bsdtar --format xar --options compression=none -cf ${out} -C ${work} ${members}`;
  const findAndCpio = `(cd ${root} && find . | LC_ALL=C sort | cpio -o -H odc --quiet -R 0:0) | gzip -6 > ${work}/Payload`;
  return [
    {
      name: 'extract',
      runs: ROUNDS,
      ours: `${script} extract ${pkg} ${out}`,
      others: [
        {
          name: 'bsdtar (xar, then cpio)',
          needs: [['bsdtar']],
          line: () => `mkdir ${out}; bsdtar -xf ${pkg} -C ${work} Payload; bsdtar -xpf ${work}/Payload -C ${out}`,
        },
        {
          name: 'bsdtar (xar), gzip, cpio',
          needs: [['bsdtar'], ['gzip'], ['cpio']],
          line: () =>
            `mkdir ${out}; bsdtar -xf ${pkg} -C ${work} Payload; cd ${out}; gzip -dc < ${work}/Payload | cpio -idm --quiet`,
        },
        {
          name: '7z (xar and gzip, then cpio)',
          needs: [['7z', '7zz']],
          line: ([tool]) => `${tool} x -o${work} ${pkg}; ${tool} x -tcpio -o${out} ${work}/Payload~`,
        },
      ],
      mostRatio: 1,
      mostPeak: MOST_PEAK,
    },
    {
      name: 'd3 pkg extract',
      runs: ROUNDS,
      ours: `${d3} pkg extract ${pkg} --to ${out}`,
      others: [
        {
          name: 'bsdtar (xar, then cpio)',
          needs: [['bsdtar']],
          line: () => `mkdir ${out}; bsdtar -xf ${pkg} -C ${work} Payload; bsdtar -xpf ${work}/Payload -C ${out}`,
        },
      ],
      mostRatio: Number.POSITIVE_INFINITY,
      mostPeak: MOST_PEAK,
    },
    {
      name: 'build',
      runs: Math.ceil(ROUNDS / 2),
      ours: `${script} build ${root} ${out}`,
      others: [
        {
          name: 'find, cpio, gzip, mkbom, xar',
          needs: [['cpio'], ['gzip'], ['mkbom'], ['xar', 'bsdtar']],
          line: ([, , , tool = '']) => `${findAndCpio}; mkbom ${root} ${work}/Bom; ${info}; ${archive(tool)}`,
        },
        {
          name: 'find, cpio, gzip, xar (no Bom)',
          needs: [['cpio'], ['gzip'], ['xar', 'bsdtar']],
          line: ([, , tool = '']) => `${findAndCpio}; : > ${work}/Bom; ${info}; ${archive(tool)}`,
        },
        {
          name: 'bsdtar, gzip, xar (no Bom)',
          needs: [['bsdtar'], ['gzip']],
          line: () =>
            `bsdtar --format odc --uid 0 --gid 0 -cf - -C ${root} . | gzip -6 > ${work}/Payload; : > ${work}/Bom; ${info}; ${archive('bsdtar')}`,
        },
      ],
      mostRatio: 1,
      mostPeak: MOST_PEAK,
    },
    {
      name: 'list',
      runs: ROUNDS,
      ours: `${script} list ${pkg}`,
      others: [
        {
          name: 'bsdtar -t',
          needs: [['bsdtar']],
          line: () => `bsdtar -xOf ${pkg} Payload | bsdtar -tf -`,
        },
      ],
      mostRatio: Number.POSITIVE_INFINITY,
      mostPeak: MOST_PEAK,
    },
    {
      name: 'inspect',
      runs: ROUNDS * 2,
      ours: `${script} inspect ${pkg}`,
      others: [{ name: 'node -e 0', needs: [], line: () => `${node} -e 0` }],
      mostRatio: Number.POSITIVE_INFINITY,
      mostPeak: MOST_PEAK,
    },
  ];
}

async function run({ name, runs, ours, others, mostRatio, mostPeak }: Task): Promise<void> {
  const ways = others.flatMap((way) => {
    const found = way.needs.map((names) => available(...names));
    const missing = way.needs.filter((_, at) => found[at] === null).map(([first = '']) => first);
    if (missing.length === 0) return [{ name: way.name, line: way.line(found as string[]) }];
    say(`${name} against ${way.name}: not measured, ${missing.map(nameMissing).join(' and ')} not there`);
    return [];
  });
  if (ways.length === 0 && Number.isFinite(mostRatio)) miss(`${name}: nothing to compare with`);
  const walls: number[][] = [[], ...ways.map(() => [])];
  // In turn, so that a machine that drifts drifts for all; the first round only warms up.
  for (let round = -1; round < runs; round += 1) {
    for (const [at, line] of [ours, ...ways.map(({ line }) => line)].entries()) {
      clear();
      const wall = timedLine(line);
      if (round >= 0) walls[at]?.push(wall);
    }
  }
  const [own = [], ...rest] = walls;
  const ownPeak = await peakAfterClearing(ours);
  let best = 0;
  say(row(name, 'd3', { wall: median(own), ratio: null, peak: ownPeak }));
  for (const [at, { name: other, line }] of ways.entries()) {
    const its = rest[at] ?? [];
    const ratio = median(own.map((wall, round) => wall / (its[round] ?? wall)));
    best = Math.max(best, ratio);
    say(row('', other, { wall: median(its), ratio, peak: await peakAfterClearing(line) }));
  }
  if (best > mostRatio) miss(`${name} takes ${best.toFixed(2)} of the fastest of the others, not ${mostRatio} or less`);
  if ((ownPeak ?? 0) > mostPeak) miss(`${name} takes ${ownPeak?.toFixed(0)} MiB, not ${mostPeak.toFixed(0)} or less`);
}

function nameMissing(command: string): string {
  return `${command} (package ${PACKAGES[command] ?? command})`;
}

async function peakAfterClearing(line: string): Promise<number | null> {
  clear();
  return peakOfLine(line);
}

/** Every run finds the same: nothing at its output, an empty folder for what lies in between. */
function clear(): void {
  for (const gone of [out, work]) rmSync(gone, { recursive: true, force: true });
  mkdirSync(work);
}

function row(task: string, way: string, { wall, ratio, peak }: Measured): string {
  const times = `${(wall / 1000).toFixed(2).padStart(6)} s`;
  const compared = ratio === null ? '' : `d3 takes ${ratio.toFixed(2)} of it`;
  const memory = peak === null ? '-' : `${peak.toFixed(0)} MiB`;
  return `${task.padEnd(15)} ${way.padEnd(32)} ${times} ${memory.padStart(8)}  ${compared}`.trimEnd();
}

function miss(text: string): void {
  missed += 1;
  say(`FLOOR MISSED: ${text}`);
}

/** Memory rather than disk, whose speed would hide everything else. */
function roomyFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (bavail * bsize > NEEDED_SPACE) return '/dev/shm';
  } catch {
    // Only Linux has it.
  }
  return os.tmpdir();
}
