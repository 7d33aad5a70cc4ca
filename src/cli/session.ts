import { D3Error, EXIT_CODES } from '@d3/sdk';
import type { Installation } from '../startup/installation.ts';
import { type EnvelopeParts, envelope } from '../terminal/envelope.ts';
import { type Failure, showErrors } from '../terminal/errors.ts';
import { Terminal } from '../terminal/terminal.ts';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/**
 * One start of d3, from the command line to the exit code: the terminal, the environment, the signal that stops
 * it, and the promise that --json prints exactly one envelope. It travels beside oclif's configuration, which is
 * rebuilt for every command.
 */
export class Session {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command being run, as it is typed; null until it is known. */
  command: string | null = null;
  /** The exit code a command of d3 ended with; undefined while none has ended. */
  exit: number | undefined;
  /** Where d3 is and which of its code runs; null for a command that was started without it. */
  installation: Installation | null = null;
  /** True while a command runs that stops by itself when the signal is aborted. */
  listening = false;
  readonly #abort = new AbortController();
  #stoppedBy: StopSignal | null = null;
  #finished = false;

  constructor(terminal: Terminal = new Terminal(), env: Readonly<Record<string, string | undefined>> = process.env) {
    this.terminal = terminal;
    this.env = env;
  }

  /** Aborted by the first SIGINT or SIGTERM. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The signal that was received, if one was. */
  get stoppedBy(): StopSignal | null {
    return this.#stoppedBy;
  }

  /** True once the result or the failure has been shown. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Asks everything that listens to the signal to stop at its next safe point. */
  stop(by: StopSignal): void {
    if (this.#stoppedBy !== null) return;
    this.#stoppedBy = by;
    this.#abort.abort(interruption(by));
  }

  /** Ends the session: shows the failures of single targets, or the envelope. Only the first end is shown. */
  finish(parts: EnvelopeParts): number {
    this.exit = parts.exit;
    if (this.#finished) return parts.exit;
    if (this.terminal.json) {
      this.terminal.document(envelope({ ...parts, warnings: [...this.terminal.warnings, ...(parts.warnings ?? [])] }));
    }
    // Only now: a result that is no JSON, or too long for a string, still has to end as a failure that is shown.
    this.#finished = true;
    return parts.exit;
  }

  /** Ends the session with something that went wrong as a whole. */
  fail(failure: Failure, run: string | null = null): number {
    if (!this.#finished) showErrors(this.terminal, failure);
    return this.finish({ command: this.command, exit: failure.exit, run, errors: failure.errors });
  }
}

/** What a command that was stopped ends with; also the reason of the aborted signal. */
export function interruption(by: StopSignal): D3Error {
  return by === 'SIGINT'
    ? new D3Error('INTERRUPTED', 'interrupted', 'Interrupted.')
    : new D3Error('TERMINATED', 'terminated', 'Terminated.');
}

export function signalExit(by: StopSignal): number {
  return by === 'SIGINT' ? EXIT_CODES.interrupted.code : EXIT_CODES.terminated.code;
}

const KEY = 'd3Session';

/** Options for `Config.load` that carry the session; oclif hands its load options on to every rebuilt Config. */
export function withSession<T extends object>(options: T, session: Session): T {
  return { ...options, [KEY]: session };
}

/** The session of a command's configuration; a fresh one for a command that was started without {@link main}. */
export function sessionOf(config: { options: object }): Session {
  const carried = (config.options as Record<string, unknown>)[KEY];
  return carried instanceof Session ? carried : new Session();
}
