import { fstatSync, writeSync } from 'node:fs';

/** What the terminal needs of a stream; the process's own have it, and so have a test's. */
export interface Output {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  on?(event: 'error', listener: (error: Error) => void): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
}

/**
 * stdout or stderr. Node takes milliseconds to make a stream of a pipe, which is what a script or a policy gives d3,
 * and writes to it one piece after the other anyway; so that is done here.
 */
export function outputOf(name: 'stdout' | 'stderr'): Output {
  const fd = name === 'stdout' ? 1 : 2;
  try {
    const stat = fstatSync(fd);
    if (stat.isFIFO() || stat.isSocket() || stat.isFile()) return new PlainOutput(fd, name);
  } catch {
    // It is closed; Node knows what to do then.
  }
  return process[name];
}

class PlainOutput implements Output {
  readonly #fd: number;
  readonly #name: 'stdout' | 'stderr';
  readonly #listeners: ((error: Error) => void)[] = [];
  /** Set once the other end cannot take more and does not let us wait. */
  #stream: Output | null = null;

  constructor(fd: number, name: 'stdout' | 'stderr') {
    this.#fd = fd;
    this.#name = name;
  }

  on(_event: 'error', listener: (error: Error) => void): void {
    this.#listeners.push(listener);
    this.#stream?.on?.('error', listener);
  }

  write(text: string, done?: (error?: Error | null) => void): boolean {
    if (this.#stream !== null) return this.#stream.write(text, done);
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(this.#fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return this.#wait(rest, done);
      for (const listener of this.#listeners) listener(error as Error);
    }
    done?.();
    return true;
  }

  #wait(rest: Buffer, done?: (error?: Error | null) => void): boolean {
    const stream = process[this.#name];
    for (const listener of this.#listeners) stream.on('error', listener);
    this.#stream = stream;
    return stream.write(rest, done);
  }
}
