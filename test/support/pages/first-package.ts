import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from '../../cli/spawn.ts';
import { blocksOf, statementsOf } from './blocks.ts';
import type { Reader } from './follow.ts';

/** For pages that go on where the first guide has released its package: one depot, two machines, hello 1.0 live on both. */
export async function firstPackage({ does }: Reader): Promise<void> {
  const [released = ''] = readFileSync(path.join(repository, 'docs/guides/first-package.md'), 'utf8').split('\n## 5.');
  for (const block of blocksOf(released).filter(({ kind }) => kind === 'sh'))
    for (const { text } of statementsOf(block)) await does(text);
}
