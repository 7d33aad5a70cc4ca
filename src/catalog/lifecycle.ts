import type { StoredStatus } from './types.ts';

/** What the status rules need to know of an edition. */
export interface Sibling {
  id: number;
  status: StoredStatus;
}

export interface StatusChange {
  id: number;
  from: StoredStatus;
  to: StoredStatus;
}

/**
 * What making one edition live does to all editions of its basename.
 * Older live ones become deprecated, older pilots skipped, every newer one a pilot again (a rollback), the edition live.
 * Older deprecated and skipped ones stay as they are.
 * @param siblings all editions of one basename, the one to be made live included
 * @returns only real changes, in id order; empty when it is live already
 */
export function effectsOfMakingLive(siblings: readonly Sibling[], id: number): StatusChange[] {
  const changes: StatusChange[] = [];
  for (const sibling of siblings.toSorted((a, b) => a.id - b.id)) {
    const to = statusAfter(sibling, id);
    if (to !== sibling.status) changes.push({ id: sibling.id, from: sibling.status, to });
  }
  return changes;
}

function statusAfter(sibling: Sibling, liveId: number): StoredStatus {
  if (sibling.id === liveId) return 'live';
  if (sibling.id > liveId) return 'pilot';
  if (sibling.status === 'live') return 'deprecated';
  if (sibling.status === 'pilot') return 'skipped';
  return sibling.status;
}

/** Making a skipped or deprecated edition live takes machines back to an older edition. */
export function isRollback(edition: Sibling): boolean {
  return edition.status === 'skipped' || edition.status === 'deprecated';
}
