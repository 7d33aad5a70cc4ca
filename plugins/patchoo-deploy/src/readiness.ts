import { D3Error } from '@d3/sdk';
import { isOutside } from './kinds/trouble.ts';
import type { Parts } from './parts.ts';

/** Seconds between two looks. */
const EVERY = 3;

/**
 * Whether this machine can be deployed: it is enrolled where that is needed, trusts its depot, and reaches it.
 * @returns why not, in words; null: it can
 */
export async function notReady({ ports }: { ports: Pick<Parts['ports'], 'sync'> }): Promise<D3Error | null> {
  try {
    // What is pending is worked out from the newest catalog: whoever can say it has reached the depot and trusts it.
    await ports.sync.pending();
    return null;
  } catch (error) {
    if (isOutside(error)) return error;
    throw error;
  }
}

/** Until it is enrolled nobody may have said which depot is its own. */
async function notEnrolled(parts: { ports: Pick<Parts['ports'], 'sync'> }): Promise<D3Error | null> {
  try {
    return await notReady(parts);
  } catch (error) {
    if (error instanceof D3Error && error.code === 'NO_DEPOT') return error;
    throw error;
  }
}

export interface Waiting {
  parts: { ports: Pick<Parts['ports'], 'sync' | 'signal'> };
  /** Seconds at most. */
  seconds: number;
  /** Says what is waited for, each time it is something else. */
  say: (text: string) => void;
  /** Seconds, always growing. */
  now: () => number;
  pause: (seconds: number) => Promise<void>;
}

/** Waits until it is ready, and no longer than it may. @returns what it still waited for; null: it is ready */
export async function waitUntilReady({ parts, seconds, say, now, pause }: Waiting): Promise<string | null> {
  const until = now() + seconds;
  for (let told = ''; ; ) {
    const reason = await notEnrolled(parts);
    if (reason === null) return null;
    if (reason.message !== told) say(`waiting to be enrolled, and for the depot: ${reason.message}`);
    told = reason.message;
    if (now() >= until || parts.ports.signal.aborted) return told;
    await pause(Math.min(EVERY, Math.max(0, until - now())));
  }
}
