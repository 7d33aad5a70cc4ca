import { type ChildProcess, spawn } from 'node:child_process';
import { D3Error } from '@d3/sdk';

/**
 * Sees to it that programs end with the process that started them even when that is killed: somebody else may start them anew
 * then, and they must not run twice at once. It is a shell that waits at the end of a pipe; when the pipe breaks, it ends every
 * group it was told of.
 */
export class Guard {
  /** Milliseconds between asking a program to end and ending it. */
  readonly grace: number;
  #shell: ChildProcess | null = null;
  readonly #held = new Set<number>();

  constructor(grace: number) {
    this.grace = grace;
  }

  /** @param group of processes that is to end with this process @throws D3Error failed `GUARD_GONE` */
  async hold(group: number): Promise<void> {
    this.#held.add(group);
    if (this.#shell === null || this.#shell.exitCode !== null || this.#shell.signalCode !== null) {
      this.#shell = startShell();
      for (const each of this.#held) await this.#tell(`+ ${each}`);
    } else await this.#tell(`+ ${group}`);
  }

  /** It ended by itself: its number may be another's soon. */
  async release(group: number): Promise<void> {
    this.#held.delete(group);
    await this.#tell(`- ${group}`);
  }

  /** Nothing is held any more. */
  close(): void {
    this.#shell?.stdin?.end();
    this.#shell = null;
  }

  #tell(line: string): Promise<void> {
    const stdin = this.#shell?.stdin;
    return new Promise((resolve, reject) => {
      const gone = (cause: unknown) =>
        reject(
          new D3Error('GUARD_GONE', 'failed', 'What sees to it that scripts end with d3 was ended itself.', {
            target: 'sh',
            actions: ['repeat the command'],
            cause,
          }),
        );
      if (stdin === null || stdin === undefined) gone(null);
      else stdin.write(`${line}\n`, (error) => (error === null || error === undefined ? resolve() : gone(error)));
    });
  }
}

const SHELL = `held=' '
while read -r what group; do
  case $what in
    +) held="$held$group " ;;
    -) held="\${held%% $group *} \${held#* $group }" ;;
  esac
done
for group in $held; do kill -s KILL -- "-$group"; done`;

function startShell(): ChildProcess {
  // In a session of its own: what ends d3's group does not end it.
  const shell = spawn('/bin/sh', ['-c', SHELL], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  shell.on('error', () => undefined);
  shell.stdin?.on('error', () => undefined);
  shell.unref();
  return shell;
}

/** Has a program wait until the guard knows of it: killed in between, it never begins. */
export const WAITING = ['-c', 'read -r go <&3 && exec 3<&- && exec "$0" "$@"'];
