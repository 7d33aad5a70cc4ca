import { text } from 'node:stream/consumers';
import type { Installation } from '../../src/startup/installation.ts';
import { shareModules } from '../../src/startup/shared-modules.ts';
import type { LineEnded } from '../support/one-line.ts';

/** Runs many command lines of one d3 in one process, one after the other; see lines.ts. */
async function run(installation: Installation): Promise<void> {
  shareModules(installation);
  const { oneLine } = await import('../support/one-line.ts');
  const lines = JSON.parse(await text(process.stdin)) as { argv: string[]; env: Record<string, string> }[];
  const own = { ...process.env } as Record<string, string>;
  const ended: LineEnded[] = [];
  for (const { argv, env } of lines) ended.push(await oneLine(installation, argv, { ...own, ...env }));
  process.stdout.write(JSON.stringify(ended), () => process.exit(0));
}

void run(JSON.parse(process.argv[2] as string) as Installation);
