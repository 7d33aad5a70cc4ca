import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Makes a program of a script of this folder, with words before its own. @returns its path */
export function standIn(folder: string, name: string, script: string, ...words: string[]): string {
  const program = path.join(folder, name);
  const node = [process.execPath, '--conditions=d3-source', '--disable-warning=ExperimentalWarning'];
  const call = [...node, path.join(import.meta.dirname, script), ...words].map((word) => `'${word}'`).join(' ');
  writeFileSync(program, `#!/bin/sh\nexec ${call} "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}
