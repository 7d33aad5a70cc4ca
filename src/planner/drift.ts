import type { Obstacle } from './availability.ts';
import { reason } from './reasons.ts';
import type { Drift } from './receipt.ts';
import type { Facts, Reason } from './types.ts';

/**
 * What somebody else did to a package behind d3's back is not undone unasked; that it is gone, or has the wanted version, is
 * no loss.
 * @param wanted the version that is to be there; null: none
 */
export function driftObstacles(basename: string, wanted: string | null, facts: Facts, force: boolean): Obstacle[] {
  if (force) return [];
  return driftOf(basename, facts)
    .filter(({ found }) => found !== null && found !== wanted)
    .map((drift) => ({
      reason: driftReason(drift),
      inSync: 'held',
      exit: 'refused',
      actions: ['use -f to do it all the same', `or drop only the record: d3 forget ${basename}`],
    }));
}

export function driftOf(basename: string, facts: Facts): Drift[] {
  return (facts.drift ?? []).filter((drift) => drift.basename === basename);
}

export function driftReason({ package: name, recorded, found }: Drift): Reason {
  return reason('DRIFTED', { package: name, recorded, found: found ?? '' });
}
