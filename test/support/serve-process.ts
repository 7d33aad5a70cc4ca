import { type ChildProcess, spawn } from 'node:child_process';
import { d3Program } from '../cli/spawn.ts';

/** A server as it really runs: a process of its own. */
export interface Running {
  url: string;
  pid: number;
  /** What was logged so far. */
  log: () => Record<string, unknown>[];
  end: (signal: NodeJS.Signals) => Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts `d3 depot serve` on loopback, on a port that is free; it is there when this resolves. */
export async function serveProcess(
  depot: string,
  words: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Running> {
  const [program, ...rest] = d3Program as [string, ...string[]];
  const { PATH = '', HOME = '' } = process.env;
  const child: ChildProcess = spawn(program, [...rest, 'depot', 'serve', depot, '--listen', '127.0.0.1:0', ...words], {
    env: { PATH, HOME, XDG_DATA_HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const log = () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (let waited = 0; waited < 60_000; waited += 50) {
    const url = /"url":"([^"]+)"/.exec(text)?.[1];
    if (url !== undefined) {
      return {
        url,
        pid: child.pid as number,
        log,
        async end(signal) {
          child.kill(signal);
          return ended;
        },
      };
    }
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not start: ${text}`);
}
