/** Who writes what was answered: the ladder from nothing secret on the machine to a credential that may write. */

export interface LadderQuestion {
  /** A credential on the machine. */
  stored: 'none' | 'read' | 'write';
  /** It is in a file others could read. */
  isOpen: boolean;
  /** The settings allow one that may write. */
  writeAllowed: boolean;
  /** Somebody sits there who can be asked for theirs. */
  canAsk: boolean;
}

/**
 * `stored`: with what is there, with a warning. `technician`: somebody's own, for this once, forgotten afterwards. `assign`: nobody
 * writes here; an admin does from elsewhere, and the machine holds until then. `refuse`: what is there must not be used.
 */
export type Rung =
  | { kind: 'stored'; warning: string }
  | { kind: 'technician' | 'assign' }
  | { kind: 'refuse'; why: string };

export function rungFor({ stored, isOpen, writeAllowed, canAsk }: LadderQuestion): Rung {
  if (stored !== 'none' && isOpen)
    return { kind: 'refuse', why: 'the credential is where others can read it: give it to root alone (0600)' };
  if (stored === 'write' && writeAllowed)
    return { kind: 'stored', warning: 'a credential that may write is kept on this machine' };
  return { kind: canAsk ? 'technician' : 'assign' };
}

/** After so many refusals nobody is asked any more: an account is locked by less. */
export const MOST_TRIES = 3;

/** What follows an answer to "who are you": what was chosen is kept in every case. @param tries how often it was refused */
export function afterRefusal(tries: number, wanted: 'again' | 'skip'): 'ask' | 'assign' {
  return wanted === 'again' && tries < MOST_TRIES ? 'ask' : 'assign';
}
