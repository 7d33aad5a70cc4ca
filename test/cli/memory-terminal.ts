import { PassThrough } from 'node:stream';
import { Terminal } from '../../src/terminal/terminal.ts';

export interface MemoryTerminal {
  terminal: Terminal;
  stdout: () => string;
  stderr: () => string;
}

/** A terminal that keeps what it is told. */
export function memoryTerminal(
  options: { tty?: boolean; columns?: number; env?: Record<string, string> } = {},
): MemoryTerminal {
  const { tty = false, columns = 80, env = {} } = options;
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY: tty,
    columns,
    rows: 24,
    write(text: string, done?: () => void) {
      written[name] += text;
      done?.();
      return true;
    },
  });
  const stdin = Object.assign(new PassThrough(), { isTTY: tty });
  const terminal = new Terminal({ stdout: stream('stdout'), stderr: stream('stderr'), stdin, env });
  return { terminal, stdout: () => written.stdout, stderr: () => written.stderr };
}
