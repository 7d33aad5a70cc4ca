/** The only reader of the time. Services take a Clock; tests hand in their own. */
export interface Clock {
  now(): Date;
}

/** Milliseconds of a clock that only measures how long something took. */
export function ticks(): number {
  return performance.now();
}

export const systemClock: Clock = {
  now: () => new Date(),
};
