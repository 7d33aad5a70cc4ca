/** What a start takes against the same Node doing nothing, whole processes, and what stands in between. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { initDepot } from '../src/depot/index.ts';
import { systemClock } from '../src/platform/clock.ts';
import { median, NOTHING, say, timed } from './measure.ts';

const project = path.dirname(import.meta.dirname);
const d3 = path.join(project, 'bin/run.js');
const COMMAND = `import { Command, Flags } from '@oclif/core';
export default class extends Command {
  static summary = 'Do nothing.';
  static flags = { force: Flags.boolean({ char: 'f' }), name: Flags.string({ char: 'n' }) };
  async run() {}
}
`;

const ROUNDS = Number(process.argv[2] ?? 25);

/** With how much of `node -e 0` each may take. */
const COMMANDS: readonly [words: string, most: number][] = [
  ['--version', 1.2],
  ['version', 2.3],
  ['list-installed', 2.3],
  ['help', 2.3],
  ['sync --dry-run', Number.POSITIVE_INFINITY],
];

/** What a start goes through, one after the other; see stages.cjs. */
const STAGES: readonly [stage: string, what: string][] = [
  ['boot', 'Node comes up'],
  ['bundle', 'd3 and oclif are loaded'],
  ['config', 'the plugins and the command line are read'],
  ['command', 'the command works'],
];

const dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-'));
try {
  const depot = path.join(dir, 'depot');
  const root = path.join(dir, 'root');
  mkdirSync(root);
  await initDepot(depot, { clock: systemClock });
  for (const plugins of [0, 10]) {
    const data = path.join(dir, `data-${plugins}`);
    if (plugins > 0) addPlugins(path.join(data, 'd3'), plugins);
    const env = {
      PATH: process.env['PATH'],
      HOME: dir,
      USER: 'sally',
      D3_ROOT: root,
      D3_DEPOT: depot,
      XDG_CACHE_HOME: path.join(dir, 'cache'),
      XDG_DATA_HOME: data,
    };
    const local = { ...env, D3_DEPOT: undefined };
    say(`with ${plugins} plugins`);
    const floor: number[] = [];
    // A machine that has met its depot before: only a real run keeps what it verified.
    timed([d3, 'sync'], env);
    const runs = COMMANDS.map(([words]) => ({ words, ratios: [] as number[], wall: [] as number[] }));
    // The first runs make what later ones find: the plugin index, the compile cache, the trusted catalog.
    for (let round = -2; round < ROUNDS; round += 1) {
      for (const { words, ratios, wall } of runs) {
        const nothing = timed(NOTHING, env);
        const own = timed([d3, ...words.split(' ')], words.startsWith('sync') ? env : local);
        if (round < 0) continue;
        floor.push(nothing);
        wall.push(own);
        ratios.push(own / nothing);
      }
    }
    say(`  node -e 0: ${median(floor).toFixed(1)} ms`);
    for (const [at, { words, ratios, wall }] of runs.entries()) {
      const ratio = median(ratios);
      const most = COMMANDS[at]?.[1] ?? 0;
      say(
        `  ${words.padEnd(16)} ${ratio.toFixed(2)} x (${median(wall).toFixed(1)} ms${Number.isFinite(most) ? `; at most ${most} x${ratio > most ? ': TOO SLOW' : ''}` : ''})`,
      );
    }
    for (const [stage, what, took] of stagesOf('list-installed', local)) {
      say(`    ${stage.padEnd(8)} ${took.toFixed(1).padStart(5)} ms  ${what}`);
    }
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** Medians of what each stage of a command took. */
function stagesOf(command: string, env: NodeJS.ProcessEnv): [stage: string, what: string, took: number][] {
  const file = path.join(dir, 'stages');
  const walls: number[] = [];
  const all = Array.from({ length: ROUNDS }, () => {
    const preload = path.join(import.meta.dirname, 'stages.cjs');
    walls.push(timed(['--require', preload, d3, command], { ...env, BENCH_STAGES: file }));
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  });
  const reached = (stage: string) => median(all.map((stages) => stages[stage] ?? 0));
  const stages = STAGES.map(([stage, what], at): [string, string, number] => {
    const before = at === 0 ? 0 : reached(STAGES[at - 1]?.[0] ?? '');
    return [stage, what, reached(stage) - before];
  });
  return [...stages, ['end', 'the process ends', median(walls) - reached('command')]];
}

/** Plugins as npm installs them, each with three commands, a hook of oclif's and one of d3's. */
function addPlugins(folder: string, count: number): void {
  const names = Array.from({ length: count }, (_, at) => `d3-bench-${at}`);
  for (const name of names) {
    const root = path.join(folder, 'node_modules', name);
    mkdirSync(path.join(root, 'commands', name), { recursive: true });
    const hooks = { 'x:postrun': './hook.js', 'd3:facts': './hook.js' };
    const pjson = { name, version: '1.0.0', type: 'module', oclif: { commands: './commands', hooks } };
    writeFileSync(path.join(root, 'package.json'), JSON.stringify(pjson));
    writeFileSync(path.join(root, 'hook.js'), 'export default () => ({});\n');
    for (const command of ['one', 'two', 'three']) {
      writeFileSync(path.join(root, 'commands', name, `${command}.js`), COMMAND);
    }
  }
  const plugins = names.map((name) => ({ name, type: 'user', tag: 'latest' }));
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, oclif: { schema: 1, plugins } }));
}
