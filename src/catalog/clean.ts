import type { Sibling } from './lifecycle.ts';

/** What is left of old editions when a newer one goes live. */
export interface CleanRules {
  /** How many deprecated editions stay, the newest of them. */
  keepDeprecated: number;
  /** Whether skipped ones stay that are newer than every deprecated one that stays. */
  keepLatestPilots: boolean;
}

/**
 * The editions of one basename that are cleaned away: deprecated ones but the newest few, then skipped ones. Live ones and
 * pilots never are. Keeping the latest pilots takes a deprecated edition that stays to measure them by: without one all
 * skipped editions go.
 * @returns ids, the oldest first
 */
export function toClean(siblings: readonly Sibling[], { keepDeprecated, keepLatestPilots }: CleanRules): number[] {
  const ids = (status: Sibling['status']) =>
    siblings
      .filter((sibling) => sibling.status === status)
      .map(({ id }) => id)
      .toSorted((a, b) => a - b);
  const deprecated = ids('deprecated');
  const kept = keepDeprecated === 0 ? [] : deprecated.slice(-keepDeprecated);
  const newestKept = kept.at(-1);
  const spared = (id: number) => keepLatestPilots && newestKept !== undefined && id > newestKept;
  const going = [...deprecated.filter((id) => !kept.includes(id)), ...ids('skipped').filter((id) => !spared(id))];
  return going.toSorted((a, b) => a - b);
}
