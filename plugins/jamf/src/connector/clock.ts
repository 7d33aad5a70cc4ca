import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

export function systemClock(signal: AbortSignal): Clock {
  return {
    now: () => Date.now(),
    wait: async (milliseconds) => {
      await sleep(milliseconds, undefined, { signal });
    },
  };
}
