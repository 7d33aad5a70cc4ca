import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { envelopeBreach } from '../support/schemas.ts';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Start {
  /** Undefined takes out what would be there. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** What comes on stdin; null leaves it open and silent. */
  input?: string | null;
  /** Who runs it; only root can say. */
  uid?: number;
  /** Called with the child as soon as it runs, to signal it. */
  running?: (child: ChildProcess) => void;
}

export const repository = fileURLToPath(new URL('../../', import.meta.url));

const CONDITION = '--conditions=d3-source';

/** How Node is told to run the sources. */
export const NODE = [CONDITION, '--disable-warning=ExperimentalWarning'];

/** Names the folder of the d3 that `test/setup.ts` builds for all tests of a run. */
export const BUILT = 'D3_TEST_BUILT';

/** That folder; null where tests are run without it, which then start the sources. */
export const builtD3: string | null = process.env[BUILT] ?? null;

/** In its bundle: many command lines in one process, see `test/commands/lines.ts`. */
export const MANY = 'test/many';

/** The same for whoever has one line after the other, see `test/support/pages/shell.ts`. */
export const RESIDENT = 'test/resident';

const SOURCES = [...NODE, `${repository}bin/dev.js`];

/** The program that is d3, and its first arguments. */
export const d3Program: readonly string[] = [
  process.execPath,
  ...(builtD3 === null ? SOURCES : [path.join(builtD3, 'bin/run.js')]),
];

/** d3 itself. */
export const d3 = (argv: readonly string[], start?: Start): Promise<Ended> =>
  asTheSchemasSay(run(process.execPath, [...d3Program.slice(1), ...argv], start), argv);

/** The sources of d3, where they themselves are meant. */
export const d3FromSources = (argv: readonly string[], start?: Start): Promise<Ended> =>
  asTheSchemasSay(run(process.execPath, [...SOURCES, ...argv], start), argv);

/** Whatever a test starts d3 for: what it says with --json is what the schemas say. */
async function asTheSchemasSay(ending: Promise<Ended>, argv: readonly string[]): Promise<Ended> {
  const ended = await ending;
  const breach = envelopeBreach(ended.stdout);
  if (breach !== null) throw new Error(`d3 ${argv.join(' ')}: ${breach}\n${ended.stdout}`);
  return ended;
}

/** d3's entry with the commands of the fixture, which end in every way a command can. */
export const fixture = (argv: readonly string[], start?: Start): Promise<Ended> =>
  run(process.execPath, [...NODE, `${repository}test/cli/fixture/run.ts`, ...argv], start);

/** Nobody's plugins and nobody's caches: neither the caller's nor this machine's. */
const ALONE = { XDG_DATA_HOME: '/nonexistent', NODE_DISABLE_COMPILE_CACHE: '1' };

/** Names the folder in which Node keeps what it compiled; `test/setup.ts` makes one for all tests of a run. */
export const COMPILED = 'NODE_COMPILE_CACHE';

/** The same for the sources: all that is kept is what the run's own folder has. */
function aloneWith(argv: readonly string[]): Record<string, string> {
  const compiled = process.env[COMPILED];
  if (compiled === undefined || !argv.includes(CONDITION)) return ALONE;
  return { XDG_DATA_HOME: ALONE.XDG_DATA_HOME, [COMPILED]: compiled };
}

/** Runs a program in an environment that has nothing of the caller's but PATH and HOME. */
export function run(program: string, argv: readonly string[], start: Start = {}): Promise<Ended> {
  const { env = {}, cwd = repository, input = '', uid, running } = start;
  const { PATH = '', HOME = '' } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      cwd,
      env: { PATH, HOME, ...aloneWith(argv), ...env },
      stdio: 'pipe',
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const read = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (read.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (read.stderr += text));
    child.stdin.on('error', () => {});
    if (input !== null) child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...read }));
    running?.(child);
  });
}

/** Sends signals when the child says it waits: one for each time it does. */
export function whenWaiting(child: ChildProcess, signals: readonly NodeJS.Signals[]): void {
  const left = [...signals];
  child.stderr?.on('data', (text: string) => {
    if (/waiting|Once more/.test(text)) {
      const next = left.shift();
      if (next !== undefined) child.kill(next);
    }
  });
}
