import { text } from 'node:stream/consumers';
import type { Installation } from '../../src/startup/installation.ts';
import { shareModules } from '../../src/startup/shared-modules.ts';
import { memoryTerminal } from '../cli/memory-terminal.ts';

/** Runs many command lines of one d3 in one process, one after the other; see lines.ts. */
async function run(installation: Installation): Promise<void> {
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
}

void run(JSON.parse(process.argv[2] as string) as Installation);
