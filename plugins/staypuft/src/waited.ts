import { setTimeout as sleep } from 'node:timers/promises';

/** Waits. @param milliseconds no more than a day @throws the reason of the signal */
export async function waited(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
}
