import { fork } from 'node:child_process';

/**
 * Runs a module of d3 in a process of its own and waits for the one message it sends. What it prints is dropped.
 * @param limit milliseconds after which it is killed
 * @returns its message, which is for the caller to know the shape of, or how it ended without one
 */
export function askChild(
  module: string,
  argument: string,
  limit: number,
): Promise<{ answer: unknown } | { answer: null; ended: 'late' | 'silent' }> {
  return new Promise((resolve, reject) => {
    let answer: { answer: unknown } | null = null;
    let late = false;
    const child = fork(module, [argument], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit);
    child.once('message', (message) => {
      answer = { answer: message };
    });
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve(answer ?? { answer: null, ended: late ? 'late' : 'silent' });
    });
  });
}
