import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Installation } from '../../src/startup/installation.ts';
import { builtD3, MANY, NODE, repository, run } from '../cli/spawn.ts';
import type { LineEnded } from '../support/one-line.ts';
import { envelopeBreach } from '../support/schemas.ts';

export interface Line {
  argv: string[];
  env?: Record<string, string>;
}

export type { LineEnded };

/** The d3 that such lines are of. */
export const INSTALLATION: Installation =
  builtD3 === null ? { root: repository, code: 'sources' } : { root: builtD3, code: 'bundle' };

const CHILD = inOneProcess(MANY, 'many.ts');

/** The words for Node that start what runs lines in its own process: a part of the bundle, or a source beside this file. */
export function inOneProcess(part: string, source: string): string[] {
  return builtD3 === null
    ? [...NODE, fileURLToPath(new URL(source, import.meta.url))]
    : [path.join(builtD3, 'dist/bundle', `${part}.cjs`)];
}

/** Runs many command lines one after the other, as d3 does, but in one process: that is many times faster. */
export async function linesOf(lines: readonly Line[], cwd: string): Promise<LineEnded[]> {
  const input = JSON.stringify(lines.map(({ argv, env = {} }) => ({ argv, env })));
  const { stdout, stderr, code } = await run(process.execPath, [...CHILD, JSON.stringify(INSTALLATION)], {
    cwd,
    input,
  });
  if (code !== 0) throw new Error(`the lines could not be run (${code}): ${stderr}`);
  const ended = JSON.parse(stdout) as LineEnded[];
  for (const [at, { stdout: said }] of ended.entries()) {
    const breach = envelopeBreach(said);
    if (breach !== null) throw new Error(`${lines[at]?.argv.join(' ')}: ${breach}\n${said}`);
  }
  return ended;
}
