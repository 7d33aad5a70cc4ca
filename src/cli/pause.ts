import { randomInt } from 'node:crypto';
import { pause } from '../platform/pause.ts';

/** Waits a random time. @param most seconds @throws the reason of the signal */
export async function pauseUpTo(most: number, signal: AbortSignal): Promise<void> {
  await pause(randomInt(most * 1000 + 1), signal);
}
