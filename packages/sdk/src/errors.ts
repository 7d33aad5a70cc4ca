import { EXIT_CODES, type ExitName } from './exit-codes.ts';

export interface D3ErrorOptions {
  /** What the error is about: an edition, a file, a flag. */
  target?: string;
  /** What the reader can do next, most useful first; each a sentence or a command line. */
  actions?: readonly string[];
  cause?: unknown;
}

/**
 * An error a person is meant to read: what happened, to which target, what to do next.
 * `code` is stable and machine readable (`EDITION_NOT_FOUND`); `exit` names a row of {@link EXIT_CODES}.
 */
export class D3Error extends Error {
  readonly code: string;
  readonly exit: ExitName;
  readonly target: string | null;
  readonly actions: readonly string[];

  constructor(code: string, exit: ExitName, message: string, options: D3ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'D3Error';
    this.code = code;
    this.exit = exit;
    this.target = options.target ?? null;
    this.actions = options.actions ?? [];
  }

  get exitCode(): number {
    return EXIT_CODES[this.exit].code;
  }
}

/** Several errors of one command, reported together (validation lists every problem at once). */
export class D3Errors extends Error {
  readonly errors: readonly D3Error[];
  readonly exitCode: number;

  /** @param exitCode the code of the whole, when it does not follow from the single ones */
  constructor(errors: readonly D3Error[], exitCode: number) {
    super(errors.map((error) => error.message).join('\n'));
    this.name = 'D3Errors';
    this.errors = errors;
    this.exitCode = exitCode;
  }
}
