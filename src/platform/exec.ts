import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecPort, ExecRequest, ExecResult } from '@d3/sdk';
import { FIXED_PATH, startProgram, untilEnded } from './spawned.ts';

/** @param folder where private working folders are made: on the machine's own ground, never in a shared temporary folder */
export function execIn(folder: string): ExecPort {
  return { run: (request) => runPrivately(folder, request) };
}

async function runPrivately(folder: string, request: ExecRequest): Promise<ExecResult> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const room = mkdtempSync(path.join(folder, 'run-'));
  try {
    const program = path.join(room, request.name.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_') || 'program');
    writeFileSync(program, request.content, { mode: 0o700, flag: 'wx' });
    const [home, temporary] = ['home', 'tmp'].map((name) => path.join(room, name)) as [string, string];
    for (const each of [home, temporary]) mkdirSync(each, { mode: 0o700 });
    const env = { ...request.environment, PATH: FIXED_PATH, HOME: home, TMPDIR: temporary };
    const child = await startProgram(program, request.args, { cwd: room, env, input: 'ignore' });
    const lines = [child.stdout, child.stderr].map((stream) =>
      stream === null ? undefined : createInterface({ input: stream, crlfDelay: Infinity }).on('line', request.onLine),
    );
    try {
      return await untilEnded(child, request.timeout, request.signal);
    } finally {
      for (const reader of lines) reader?.close();
    }
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}
