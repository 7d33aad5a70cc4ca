import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { ServiceParts } from '../client/service.ts';
import { machinePaths } from '../platform/paths.ts';
import { runProgram } from '../platform/program.ts';
import type { Inputs } from './inputs.ts';

export function serviceHere({ root }: Pick<Inputs, 'root'>): ServiceParts {
  return { paths: machinePaths(root, process.platform), platform: process.platform, run: runProgram };
}

/** What tells this machine from the next, before any depot knows it. */
export function nameHere(): string {
  return os.hostname();
}

const USUAL = '/usr/local/bin/d3';

/**
 * The d3 a schedule starts: the one that is said, the usual one where there is one, else the one that runs.
 * @param own root of the package of the d3 that runs
 */
export function programFor(said: string | undefined, own: string): string {
  if (said === undefined) return existsSync(USUAL) ? USUAL : path.join(own, 'bin', 'd3');
  if (path.isAbsolute(said) && !/\p{Cc}/u.test(said)) return said;
  throw new D3Error('PROGRAM', 'usage', 'The program of a schedule is named by an absolute path.', {
    target: '--program',
  });
}
