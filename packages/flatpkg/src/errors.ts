/**
 * What went wrong, in the five ways a caller has to tell apart:
 * `damaged` hostile or broken input; `refused` well formed but against the rules of safe installing;
 * `unsupported` real, but not handled here; `usage` a wrong call; `io` the operating system said no.
 */
export type FailureKind = 'damaged' | 'refused' | 'unsupported' | 'usage' | 'io';

/** The only error class this package throws on purpose (an abort rethrows the signal's own reason). */
export class FlatpkgError extends Error {
  readonly kind: FailureKind;
  /** Stable upper case word for programs, e.g. `XAR_TOC_CHECKSUM`. */
  readonly code: string;
  /** The member of the package, or the path inside its payload, that the failure is about. */
  readonly member: string | null;

  constructor(kind: FailureKind, code: string, text: string, member: string | null = null, cause?: unknown) {
    super(
      shortened(member === null ? text : `${printable(member) || '""'}: ${text}`),
      cause === undefined ? {} : { cause },
    );
    this.name = 'FlatpkgError';
    this.kind = kind;
    this.code = code;
    this.member = member;
  }
}

export function damaged(code: string, text: string, member: string | null = null): FlatpkgError {
  return new FlatpkgError('damaged', code, text, member);
}

export function refused(code: string, text: string, member: string | null = null): FlatpkgError {
  return new FlatpkgError('refused', code, text, member);
}

export function unsupported(code: string, text: string, member: string | null = null): FlatpkgError {
  return new FlatpkgError('unsupported', code, text, member);
}

export function usage(code: string, text: string, member: string | null = null): FlatpkgError {
  return new FlatpkgError('usage', code, text, member);
}

/** Wraps an error of the file system; anything that already is a FlatpkgError, or no system error, passes unchanged. */
export function asIoError(error: unknown, doing: string, member: string | null = null): unknown {
  if (error instanceof FlatpkgError) return error;
  const code = errnoOf(error);
  if (code === null) return error;
  const text = code === 'ENOSPC' || code === 'EDQUOT' ? 'no space left on the disk' : (error as Error).message;
  return new FlatpkgError('io', code, `${doing}: ${printable(text)}`, member, error);
}

/** The system's error code (`ENOENT`, …) of a thrown value, null when it is no system error. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

// Control characters, and the marks that reorder or break a line on a terminal.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text from a package made safe for one line of a terminal: control characters become `\u{…}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

const LONGEST_LINE = 2000;

/** A line that quotes a package may be megabytes long: more than anybody reads is cut off. */
export function shortened(line: string): string {
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE).toWellFormed()}…`;
}
