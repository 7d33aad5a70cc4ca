import { SHOW_PROGRAMS, type ShowPrograms } from './places.ts';
import { canRun } from './programs.ts';
import type { WayName } from './screen/port.ts';

/** Whether the program that a way shows with is there at all; a window may still not come up. */
export function isInstalled(way: WayName, programs: ShowPrograms = SHOW_PROGRAMS): boolean {
  const { dialog, jamfHelper, browsers } = programs;
  if (way === 'swiftDialog') return canRun(dialog);
  if (way === 'jamfHelper') return canRun(jamfHelper);
  return way === 'terminal' || browsers.some(({ program }) => canRun(program));
}
