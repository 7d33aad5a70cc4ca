import { D3Error } from '@d3/sdk';

/** Hosts that are worked on elsewhere at the same time. */
const ABREAST = 8;

/**
 * Does the same for several, a few at a time; what one fails with is kept beside it and ends no other.
 * @returns in the order of the targets; what is no D3Error ends all
 */
export async function eachOf<Target, Result>(
  targets: readonly Target[],
  work: (target: Target, index: number) => Promise<Result>,
): Promise<({ result: Result } | { problem: D3Error })[]> {
  const ends: ({ result: Result } | { problem: D3Error })[] = [];
  let next = 0;
  const one = async () => {
    for (let n = next++; n < targets.length; n = next++) {
      try {
        ends[n] = { result: await work(targets[n] as Target, n) };
      } catch (error) {
        if (!(error instanceof D3Error)) throw error;
        ends[n] = { problem: error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(ABREAST, targets.length) }, one));
  return ends;
}
