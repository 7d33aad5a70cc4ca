import { createReadStream, constants as files, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Installation } from '../../../src/startup/installation.ts';
import { shareModules } from '../../../src/startup/shared-modules.ts';

/**
 * Runs the command lines of a page as they come, one after the other, in one process: that is many times faster. Who asks puts
 * words and environment into two files of the box and writes the beginning of their names into its pipe; see shell.ts.
 */
async function serve(installation: Installation, box: string): Promise<void> {
  // Whoever started it holds this open: it never outlives them.
  process.stdin.resume().once('end', () => process.exit(0));
  shareModules(installation);
  const { oneLine } = await import('../one-line.ts');
  // Also open for writing, so that it does not end with the first who asks.
  const fd = openSync(path.join(box, 'ask'), files.O_RDWR);
  for await (const name of createInterface({ input: createReadStream('', { fd }) })) {
    const file = (end: string) => path.join(box, `${name}.${end}`);
    const listed = (end: string) => readFileSync(file(end), 'utf8').split('\0').slice(0, -1);
    const [cwd, entry, ...words] = listed('words') as [string, string, ...string[]];
    const env = Object.fromEntries(listed('env').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    process.chdir(cwd);
    const ended = await oneLine(installation, entry === 'd3admin' ? ['admin', ...words] : words, env);
    writeFileSync(file('out'), ended.stdout);
    writeFileSync(file('err'), ended.stderr);
    writeFileSync(file('told'), `${ended.code}\n`);
  }
}

void serve(JSON.parse(process.argv[2] as string) as Installation, process.argv[3] as string);
