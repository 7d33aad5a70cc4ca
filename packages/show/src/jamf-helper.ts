import { livesFor, type Running } from './programs.ts';

/** What it is called when something is wrong with it. */
export const JAMF_HELPER = 'jamfHelper';
/** Exit codes of jamfHelper: the two buttons, and a window that timed out without one. */
export const HELPER_CODES = { first: 0, second: 2, timedOut: 243 } as const;
/** Milliseconds after which a run that has not ended is taken to be seen: it says nothing of itself. */
const SETTLES = 1500;

/** Waits until a run is taken to be seen. @throws Error when it ended before, but by what somebody or the time decided */
export function helperCameUp(run: Running): Promise<void> {
  const decided: readonly number[] = Object.values(HELPER_CODES);
  return livesFor(run, SETTLES, JAMF_HELPER, (code) => code !== null && decided.includes(code));
}
