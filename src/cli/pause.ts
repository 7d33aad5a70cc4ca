import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits a random time. @param most seconds @throws the reason of the signal */
export async function pauseUpTo(most: number, signal: AbortSignal): Promise<void> {
  await sleep(randomInt(most * 1000 + 1), undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
