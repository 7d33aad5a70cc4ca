import { printable } from './errors.ts';
import type { Warnings } from './warnings.ts';

/** What installing a package demands at its end, the least first. */
export type RestartAction = 'none' | 'logout' | 'restart' | 'shutdown';

const RESTARTS: readonly RestartAction[] = ['none', 'logout', 'restart', 'shutdown'];

/** The one that demands more. */
export function strongest(a: RestartAction, b: RestartAction): RestartAction {
  return RESTARTS.indexOf(a) > RESTARTS.indexOf(b) ? a : b;
}

/**
 * The action a document asks for in its own words, without regard to case. A word that is none of them is told, and
 * taken as none. `words` are in lower case; `member` names the document.
 */
export function restartNamed(
  written: string,
  words: ReadonlyMap<string, RestartAction>,
  member: string,
  warnings: Warnings,
): RestartAction {
  const action = words.get(written.toLowerCase());
  if (action !== undefined) return action;
  warnings.add('restart action', `${printable(member)}: unknown restart action "${printable(written)}", taken as none`);
  return 'none';
}
