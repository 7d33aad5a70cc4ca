import { STANDINGS, type Standing, type StandingState } from './standing.ts';

/** How far an edition has come: counts, reasons, and when computers got it. Pure sums over what computers reported. */

/** A state with how many computers are in it, and why. */
export interface StandingCount {
  state: StandingState;
  computers: number;
  /** The most common first. */
  reasons: ReasonCount[];
}

interface ReasonCount {
  reason: string;
  computers: number;
}

/** Every state, those nobody is in too, in the order of {@link STANDINGS}. */
export function countStandings(standings: Iterable<Standing>): StandingCount[] {
  const reasons = new Map<StandingState, Map<string, number>>(STANDINGS.map((state) => [state, new Map()]));
  for (const { state, reason } of standings) {
    const counts = reasons.get(state) as Map<string, number>;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...reasons].map(([state, counts]) => ({
    state,
    computers: [...counts.values()].reduce((sum, count) => sum + count, 0),
    reasons: [...counts]
      .map(([reason, computers]) => ({ reason, computers }))
      .toSorted((a, b) => b.computers - a.computers || (a.reason < b.reason ? -1 : 1)),
  }));
}

export interface SpreadPoint {
  /** ISO 8601, UTC. */
  at: string;
  /** Computers whose receipt says they had it by then. */
  installed: number;
  /** Computers whose trouble with it, not over yet, had begun by then. */
  troubled: number;
}

export interface SpreadTimes {
  /** When each computer that has it now got it; ISO 8601, by the computers' own clocks. */
  installed: readonly string[];
  /** When the trouble of each that has trouble with it now began. */
  troubled: readonly string[];
  /** When the edition was added. */
  from: string;
  now: string;
  /** Points at most. */
  points: number;
}

/**
 * A curve over time of what is so now: computers that had the edition and went on to another are not in it, as the depot
 * keeps only what each computer has. Moments before the edition was there, or that are still to come, are those of wrong
 * clocks; they count at the nearest end.
 */
export function spreadSeries({ installed, troubled, from, now, points }: SpreadTimes): SpreadPoint[] {
  const start = Date.parse(from);
  const end = Math.max(Date.parse(now), start);
  const steps = Math.max(1, points - 1);
  const within = (times: readonly string[]) =>
    times.map((time) => Math.min(Math.max(Date.parse(time), start), end)).toSorted((a, b) => a - b);
  const [gotIt, hadTrouble] = [within(installed), within(troubled)];
  let [got, had] = [0, 0];
  return Array.from({ length: steps + 1 }, (_, step) => {
    const at = step === steps ? end : Math.round(start + ((end - start) * step) / steps);
    while (got < gotIt.length && (gotIt[got] as number) <= at) got += 1;
    while (had < hadTrouble.length && (hadTrouble[had] as number) <= at) had += 1;
    return { at: new Date(at).toISOString(), installed: got, troubled: had };
  });
}

/** How many of the moments are not between the two, so that a clock somewhere must be wrong. */
export function outside(times: readonly string[], from: string, now: string): number {
  return times.filter((time) => time < from || time > now).length;
}
