import { fileURLToPath } from 'node:url';
import { NODE, run } from '../cli/spawn.ts';

export interface Line {
  argv: string[];
  env?: Record<string, string>;
}

export interface LineEnded {
  code: number;
  stdout: string;
  stderr: string;
}

const CHILD = fileURLToPath(new URL('many.ts', import.meta.url));

/** Runs many command lines one after the other, as d3 does from its sources, but in one process: that is many times faster. */
export async function linesOf(lines: readonly Line[], cwd: string): Promise<LineEnded[]> {
  const input = JSON.stringify(lines.map(({ argv, env = {} }) => ({ argv, env })));
  const { stdout, stderr, code } = await run(process.execPath, [...NODE, CHILD], { cwd, input });
  if (code !== 0) throw new Error(`the lines could not be run (${code}): ${stderr}`);
  return JSON.parse(stdout) as LineEnded[];
}
