/**
 * Every exit code of d3, in one table. Help, docs and the envelope read it; nothing else defines one.
 * Scripts and policies rely on these numbers: a number is never reused for another meaning.
 */
export const EXIT_CODES = {
  done: { code: 0, meaning: 'done, nothing to do included' },
  failed: { code: 1, meaning: 'failed' },
  usage: { code: 2, meaning: 'usage: a flag or argument is missing or malformed' },
  bug: { code: 10, meaning: 'a bug in d3 or a plugin' },
  depotUnreachable: { code: 20, meaning: 'the depot is unreachable' },
  notAuthorised: { code: 21, meaning: 'not authorised' },
  refused: { code: 30, meaning: 'refused by a rule' },
  scriptFailed: { code: 31, meaning: 'a script failed' },
  installerFailed: { code: 32, meaning: 'an installer failed' },
  verificationFailed: { code: 33, meaning: 'verification failed' },
  notFound: { code: 34, meaning: 'not found' },
  partly: { code: 40, meaning: 'partly failed, or several kinds of failure' },
  busy: { code: 41, meaning: 'busy: another run holds the lock' },
  restartPending: { code: 42, meaning: 'a restart is pending' },
  holding: { code: 43, meaning: 'holding' },
  failedHeld: { code: 44, meaning: 'failed and held' },
  unknownCommand: { code: 127, meaning: 'unknown command' },
  interrupted: { code: 130, meaning: 'interrupted (SIGINT)' },
  terminated: { code: 143, meaning: 'terminated (SIGTERM)' },
} as const;

export type ExitName = keyof typeof EXIT_CODES;
export type ExitCode = (typeof EXIT_CODES)[ExitName]['code'];

/**
 * One exit code for several targets: 0 when all succeed, the shared code when all end alike, else 40.
 * @param codes exit codes, one for each target; empty means nothing was to be done
 */
export function combineExitCodes(codes: readonly number[]): number {
  const distinct = new Set(codes);
  if (distinct.size === 0) return EXIT_CODES.done.code;
  if (distinct.size === 1) return codes[0] as number;
  return EXIT_CODES.partly.code;
}
