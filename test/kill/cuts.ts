import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Request } from '../../src/planner/types.ts';
import type { Sandbox, SandboxMachine } from '../support/sandbox.ts';
import { scriptsPlugin } from '../support/scripts-plugin.ts';

const CHILD = ['--conditions=d3-source', path.join(import.meta.dirname, 'kill-child.ts')];

export interface CutOptions {
  /** Whether the machine runs the scripts of editions. */
  scripts?: boolean;
}

/** A machine in a folder that is there already, as the child puts it together. */
export function machineAt(sandbox: Sandbox, root: string, { scripts = false }: CutOptions = {}): SandboxMachine {
  const machine = sandbox.machineAt(root);
  return scripts ? machine.with({ plugins: scriptsPlugin(machine.machine.paths.work) }) : machine;
}

/** A copy of the machine for each point at which the request may be cut, and the one that went through. */
export async function cutEverywhere(sandbox: Sandbox, root: string, request: Request, options: CutOptions = {}) {
  const folder = mkdtempSync(path.join(sandbox.dir, 'cuts-'));
  const copies = path.join(folder, 'copies');
  mkdirSync(copies);
  const fresh = copied(root, path.join(folder, 'fresh'));
  await promisify(execFile)(process.execPath, argv('copy', copies, fresh, sandbox, request, options));
  const cuts = readdirSync(copies)
    .toSorted()
    .map((name) => machineAt(sandbox, path.join(copies, name), options));
  return { folder, cuts, fresh: machineAt(sandbox, fresh, options) };
}

/** A copy of the machine on which the request was killed for real before its Nth point; null when it has fewer. */
export async function killedAt(
  sandbox: Sandbox,
  root: string,
  request: Request,
  point: number,
  options: CutOptions = {},
): Promise<SandboxMachine | null> {
  const copy = copied(root, mkdtempSync(path.join(sandbox.dir, 'killed-')));
  const child = spawn(process.execPath, argv('kill', String(point), copy, sandbox, request, options), {
    stdio: 'ignore',
  });
  const [, signal] = await once(child, 'exit');
  return signal === 'SIGKILL' ? machineAt(sandbox, copy, options) : null;
}

/** A copy of the machine on which a point of the request failed. @param how `N:CODE`, see the child */
export async function failedAt(
  sandbox: Sandbox,
  root: string,
  request: Request,
  how: string,
  options: CutOptions = {},
): Promise<{ machine: SandboxMachine; exit: number; points: number; said: string }> {
  const copy = copied(root, mkdtempSync(path.join(sandbox.dir, 'failed-')));
  const child = spawn(process.execPath, argv('fail', how, copy, sandbox, request, options));
  let out = '';
  let said = '';
  child.stdout.on('data', (piece) => (out += piece));
  child.stderr.on('data', (piece) => (said += piece));
  const [exit] = await once(child, 'close');
  return { machine: machineAt(sandbox, copy, options), exit, points: Number(out), said };
}

function copied(root: string, to: string): string {
  cpSync(root, to, { recursive: true, verbatimSymlinks: true });
  return to;
}

function argv(
  mode: string,
  at: string,
  root: string,
  { depot }: Sandbox,
  request: Request,
  { scripts = false }: CutOptions,
): string[] {
  return [...CHILD, mode, at, root, depot, JSON.stringify(request), ...(scripts ? ['scripts'] : [])];
}
