import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ExecPort, ExecRequest, ExecResult } from '@d3/sdk';
import type { Guard } from './guard.ts';
import { LineSplitter } from './lines.ts';
import { makeFolder } from './make-folder.ts';
import { FIXED_PATH, startProgram, untilEnded } from './spawned.ts';

const ROOM = 'run-';

/**
 * @param folder where private working folders are made: on the machine's own ground, never in a shared temporary folder
 * @param guard ends what runs should this process be killed
 */
export function execIn(folder: string, guard?: Guard): ExecPort {
  return { run: (request) => runPrivately(folder, request, guard) };
}

async function runPrivately(folder: string, request: ExecRequest, guard: Guard | undefined): Promise<ExecResult> {
  makeFolder(folder, 0o700);
  const { holdFolder, sweepFolders } = await import('./held-folder.ts');
  sweepFolders(folder, ROOM);
  const held = holdFolder(folder, ROOM);
  const room = held.path;
  try {
    const program = path.join(room, request.name.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_') || 'program');
    writeFileSync(program, request.content, { mode: 0o700, flag: 'wx' });
    const [home, temporary] = ['home', 'tmp'].map((name) => path.join(room, name)) as [string, string];
    for (const each of [home, temporary]) mkdirSync(each, { mode: 0o700 });
    const env = { ...request.environment, PATH: FIXED_PATH, HOME: home, TMPDIR: temporary };
    const child = await startProgram(program, request.args, { cwd: room, env, input: 'ignore', guard });
    const streams = [child.stdout, child.stderr].map((stream) => {
      const lines = new LineSplitter(request.onLine);
      const take = (bytes: Buffer) => void lines.take(bytes);
      stream?.on('data', take);
      return { lines, close: () => stream?.off('data', take).destroy() };
    });
    try {
      return await untilEnded(child, request.timeout, request.signal, { grace: guard?.grace });
    } finally {
      for (const { lines, close } of streams) {
        close();
        lines.end();
      }
    }
  } finally {
    held.remove();
  }
}
