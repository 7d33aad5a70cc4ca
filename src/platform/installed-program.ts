import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type InstalledProgram, type ProgramsPort } from '@d3/sdk';
import type { RunProgram } from './program.ts';
import { changeableWords, whoElseMayChange } from './trusted-folder.ts';

const EXECUTABLE = 0o111;

/**
 * Programs that are installed on a machine, for plugins. In a root folder what lies there stands for them.
 * @param root of the machine
 */
export function installedPrograms(root: string, run: () => Promise<RunProgram>): ProgramsPort {
  return {
    find: (program) => found(root, program),
    async run(request) {
      const place = placeOf(root, request.program);
      refuseChangeable(root, place, request.program);
      return (await run())({ ...request, program: place });
    },
  };
}

function found(root: string, program: string): InstalledProgram | null {
  try {
    const { mode, size, mtimeMs } = statSync(placeOf(root, program));
    if ((mode & EXECUTABLE) === 0) return null;
    return { mark: `${size}-${Math.trunc(mtimeMs)}` };
  } catch {
    return null;
  }
}

/** Where it really is. @throws D3Error notFound for what is no program of this root */
function placeOf(root: string, program: string): string {
  const absent = (cause?: unknown) =>
    new D3Error('PROGRAM_ABSENT', 'notFound', `There is no program ${program} on this machine.`, {
      target: program,
      cause,
    });
  try {
    if (!path.isAbsolute(program)) throw absent();
    const place = realpathSync(path.join(root, program));
    const top = realpathSync(root);
    if (top !== '/' && !place.startsWith(`${top}/`)) throw absent();
    if (!statSync(place).isFile()) throw absent();
    return place;
  } catch (error) {
    throw error instanceof D3Error ? error : absent(error);
  }
}

function refuseChangeable(root: string, place: string, program: string): void {
  const found = whoElseMayChange(place, { below: root, group: 'own' });
  if (found === null) return;
  throw new D3Error('PROGRAM_UNTRUSTED', 'refused', `${program} is not run: ${changeableWords(found)}.`, {
    target: program,
    actions: ['see how it came there, and install it anew'],
  });
}
