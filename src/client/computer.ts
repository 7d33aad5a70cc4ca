import { createHash } from 'node:crypto';

/** A group lists its members by this, so that a published depot names no machine. */
export function hashOf(computerId: string): string {
  return createHash('sha256').update(computerId).digest('hex');
}
