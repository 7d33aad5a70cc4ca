import { main } from '../../src/main.ts';
import type { Installation } from '../../src/startup/installation.ts';
import { memoryTerminal } from '../cli/memory-terminal.ts';

export interface LineEnded {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one command line as d3 does, in this process: with the environment that is given, and no other. */
export async function oneLine(
  installation: Installation,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<LineEnded> {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  const { terminal, stdout, stderr } = memoryTerminal();
  const code = await main([...argv], { installation, terminal });
  process.exitCode = undefined;
  return { code, stdout: stdout(), stderr: stderr() };
}
