import { existsSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { ServiceParts } from '../client/service.ts';
import { loadSettings } from '../config/layers.ts';
import { runProgram } from '../platform/program.ts';
import { changeableWords, whoElseMayChange } from '../platform/trusted-folder.ts';
import { depotLocation, requireFolder } from './depot-location.ts';
import type { Inputs } from './inputs.ts';
import { pathsWithin } from './root-bounds.ts';

export function serviceHere(inputs: Pick<Inputs, 'root'>): ServiceParts {
  return { paths: pathsWithin(inputs), platform: process.platform, run: runProgram };
}

/** What tells this machine from the next, before any depot knows it. */
export function nameHere(): string {
  return os.hostname();
}

const USUAL = '/usr/local/bin/d3';

/** What a schedule starts, and what should be known about it. */
export interface ScheduledProgram {
  program: string;
  warnings: string[];
}

/**
 * The d3 a schedule starts: the one that is said, the usual one where there is one, else the one that runs.
 * @param root of the machine, whose own d3 it is
 * @param own root of the package of the d3 that runs
 * @throws D3Error usage for what is no absolute path, refused for one on the running system that others could change
 */
export function programFor(said: string | undefined, root: string, own: string): ScheduledProgram {
  if (said !== undefined && (!path.isAbsolute(said) || /\p{Cc}/u.test(said))) {
    throw new D3Error('PROGRAM', 'usage', 'The program of a schedule is named by an absolute path.', {
      target: '--program',
    });
  }
  if (root !== '/') {
    const program = said ?? USUAL;
    const isThere = existsSync(path.join(root, program));
    return { program, warnings: isThere ? [] : [`there is no ${program} in ${root} yet: the schedule needs it there`] };
  }
  const program = said ?? (existsSync(USUAL) ? USUAL : path.join(own, 'bin', 'd3'));
  const why = whyUntrustedProgram(program);
  if (why === null) return { program, warnings: [] };
  throw new D3Error('PROGRAM_UNTRUSTED', 'refused', `A schedule would start ${program} as root, and ${why}.`, {
    target: program,
    actions: ['install d3 where only root can change it, or name one with --program'],
  });
}

/** @returns why a program is not to be started as root; null when nobody else can change or swap it */
export function whyUntrustedProgram(program: string): string | null {
  try {
    const found = whoElseMayChange(program, { group: 'own' });
    if (found !== null) return changeableWords(found);
    return statSync(program).isFile() ? null : 'it is no program';
  } catch {
    return 'it is not there';
  }
}

/** What stands in the way of a schedule on this machine, beyond the program. */
export async function warningsOfSchedule({ paths }: ServiceParts): Promise<string[]> {
  const { depot } = await loadSettings(paths);
  return depot === null
    ? ['no depot is configured, so every sync of the schedule would end with 2: d3 config set depot PLACE']
    : [];
}

/**
 * The depot whose signatures a schedule renews, and who owns it.
 * @throws D3Error usage for none, or for one over the network; notFound for a folder that is not there
 */
export async function scheduledDepot(inputs: Pick<Inputs, 'root' | 'depot'>): Promise<{ depot: string; uid: number }> {
  const { depot: configured } = await loadSettings(pathsWithin(inputs));
  const depot = requireFolder(depotLocation(inputs.depot, configured));
  // Its database may be elsewhere; its keys never are.
  const found = statSync(path.join(depot, 'keys'), { throwIfNoEntry: false });
  if (found !== undefined) return { depot, uid: found.uid };
  throw new D3Error('NOT_A_DEPOT', 'notFound', `${depot} is not a depot.`, {
    target: depot,
    actions: [`Make one there: d3 depot init ${depot}`, 'Or name another folder with --depot.'],
  });
}
