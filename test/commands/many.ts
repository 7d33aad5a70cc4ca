import { text } from 'node:stream/consumers';
import { shareModules } from '../../src/startup/shared-modules.ts';
import { memoryTerminal } from '../cli/memory-terminal.ts';
import { repository } from '../cli/spawn.ts';

/** Runs many command lines of d3 in one process, one after the other; see lines.ts. */
const installation = { root: repository, code: 'sources' } as const;
shareModules(installation);
const { main } = await import('../../src/main.ts');

const lines = JSON.parse(await text(process.stdin)) as { argv: string[]; env: Record<string, string> }[];
const own = { ...process.env };
const ended: { code: number; stdout: string; stderr: string }[] = [];
for (const { argv, env } of lines) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, own, env);
  const { terminal, stdout, stderr } = memoryTerminal();
  const code = await main(argv, { installation, terminal });
  process.exitCode = undefined;
  ended.push({ code, stdout: stdout(), stderr: stderr() });
}
process.stdout.write(JSON.stringify(ended), () => process.exit(0));
