import childProcess from 'node:child_process';
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';

/**
 * Carries out one request on a machine, disturbed at a change of the disk or at a start of a program:
 * `node kill-child.ts kill N ROOT DEPOT REQUEST` kills itself before the Nth, as a power cut would;
 * `node kill-child.ts fail N:CODE ROOT DEPOT REQUEST` has the Nth fail as the system says CODE (`EIO`), or all from the Nth on
 * that need room (`ENOSPC`) or change anything (`EROFS`);
 * `node kill-child.ts copy FOLDER ROOT DEPOT REQUEST` goes through, and leaves a copy of the root as it was before each
 * change: what a kill at that very point would have left.
 * It prints how many points there were. A last word `scripts` has it run the scripts of editions.
 */
const [mode, at, root, depot, request, runs] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string?,
];

const { cpSync, lstatSync, readdirSync } = fs;
type Call = (this: unknown, ...args: unknown[]) => unknown;

let begun = false;
let changes = 0;
let last = '';
function beforeChange(name: string): void {
  if (!begun) return;
  if (mode === 'copy') {
    const now = fingerprint();
    if (now === last) return;
    last = now;
    cpSync(root, path.join(at, String(changes).padStart(4, '0')), { recursive: true, verbatimSymlinks: true });
    changes += 1;
    return;
  }
  changes += 1;
  if (mode === 'kill' && changes === Number(at)) process.kill(process.pid, 'SIGKILL');
  if (mode === 'fail') failAsTold(name);
}

/** Changes that take no room: they go well on a full disk. */
const FREES_ROOM = /^(?:unlink|rmdir|rm|rename|fsync|sync|exec|run|spawn)/;

function failAsTold(name: string): void {
  const [from, code] = at.split(':') as [string, string];
  const lasting = code === 'ENOSPC' || code === 'EROFS';
  if (lasting ? changes < Number(from) : changes !== Number(from)) return;
  if (code === 'ENOSPC' && FREES_ROOM.test(name)) return;
  throw Object.assign(new Error(`${code}: as the test wants it, ${name}`), { code, errno: -1, syscall: name });
}

function fingerprint(): string {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { mode, size, mtimeNs, ino } = lstatSync(path.join(root, name), { bigint: true });
      return [name, mode, size, mtimeNs, ino].join(' ');
    })
    .join('\n');
}

function patch(holder: object, names: readonly string[]): void {
  const functions = holder as Record<string, Call>;
  for (const name of names) {
    const original = functions[name] as Call;
    functions[name] = function (...args) {
      beforeChange(name);
      return original.apply(this, args);
    };
  }
}

patch(fs, ['openSync', 'writeSync', 'renameSync', 'unlinkSync', 'mkdirSync', 'rmdirSync', 'linkSync', 'symlinkSync']);
patch(fs, ['chmodSync', 'fchmodSync', 'chownSync', 'utimesSync', 'fsyncSync']);
patch(fsPromises, ['open', 'rename', 'unlink', 'mkdir', 'mkdtemp', 'rm', 'chmod', 'copyFile']);
patch(childProcess, ['spawn']);
patch(DatabaseSync.prototype, ['exec']);
patch(StatementSync.prototype, ['run']);
// In one call it could only be cut before or after.
fs.rmSync = (target: fs.PathLike) => {
  const stat = fs.lstatSync(target, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    fs.unlinkSync(target);
    return;
  }
  for (const name of fs.readdirSync(target)) fs.rmSync(path.join(String(target), name));
  fs.rmdirSync(target);
};
const handle = await fsPromises.open(import.meta.filename);
patch(Object.getPrototypeOf(handle) as object, ['write', 'writeFile', 'sync']);
await handle.close();
syncBuiltinESMExports();

const { machineOf, requestOf } = await import('../support/machine.ts');
const { failureOf } = await import('../../src/terminal/errors.ts');
const { scriptsPlugin } = await import('../support/scripts-plugin.ts');
const machine = machineOf(root, depot);
if (runs === 'scripts') machine.plugins = scriptsPlugin(machine.paths.work);
begun = true;
try {
  const { exit } = await requestOf(machine, JSON.parse(request));
  process.exitCode = exit;
} catch (error) {
  if (mode !== 'fail') throw error;
  process.exitCode = failureOf(error).exit;
}
if (mode === 'copy') {
  beforeChange('end');
  process.exitCode = 0;
}
process.stdout.write(String(changes));
