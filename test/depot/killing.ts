import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const CHILD = fileURLToPath(new URL('kill-child.ts', import.meta.url));

/** Does one thing of `kill-child.ts`. @returns whether it got through */
export async function runKilled(before: number, what: string, dir: string, ...args: string[]): Promise<boolean> {
  const child = spawn(process.execPath, ['--conditions=d3-source', CHILD, String(before), what, dir, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    // What one that is killed leaves goes with the folder of the test.
    env: { ...process.env, TMPDIR: dirname(dir) },
  });
  const [code, signal] = await once(child, 'exit');
  expect(code === 0 || signal === 'SIGKILL', `${what} ended with ${code ?? signal}`).to.equal(true);
  return code === 0;
}

/** Kills at every change of the file system, two at a time, until one gets through. */
export async function killedEverywhere(round: (before: number) => Promise<boolean>): Promise<number> {
  for (let before = 1; ; before += 2) {
    const [first, second] = await Promise.all([round(before), round(before + 1)]);
    if (first || second) return before;
    expect(before).to.be.lessThan(100);
  }
}
