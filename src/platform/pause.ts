import { setTimeout as sleep } from 'node:timers/promises';

/** Timers know no more than some 24 days. */
const LONGEST = 86_400_000;

/** Waits. @param milliseconds as many as you like @throws the reason of the signal */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  for (let left = milliseconds; left > 0; left -= LONGEST) {
    await sleep(Math.min(left, LONGEST), undefined, { signal }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  }
}
