/** One problem as it stands in the envelope. */
export interface EnvelopeError {
  /** Stable and machine readable: `EDITION_NOT_FOUND`. */
  code: string;
  message: string;
  /** What the error is about: an edition, a file, a flag; null when it is about the command as a whole. */
  target: string | null;
  /** What to do next, most useful first. */
  actions: readonly string[];
}

/**
 * The one document that stands on stdout under `--json`, in every case: success, wrong usage, an unknown
 * command, a crash, a signal. `d3` is the version of this shape.
 */
export interface Envelope<Result = unknown> {
  d3: 1;
  /** The command as it is typed (`admin live`); null when none was found in the command line. */
  command: string | null;
  /** The process's exit code. */
  exit: number;
  /** The id of the run, when the command made one. */
  run: string | null;
  /** What the command found or did; null when it did not get that far. */
  result: Result | null;
  errors: EnvelopeError[];
  warnings: string[];
}
