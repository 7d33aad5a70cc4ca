import type { ClockHere } from '@d3/sdk';
import { span } from '../catalog/span.ts';
import type { DepotTime } from '../depot/contract.ts';

/** Whether this machine's clock can be right: judged by what else is known of the time. Pure. */

/** What is known of the time besides the clock. */
export interface KnownTime extends DepotTime {
  /** When this d3 was built; null: it is not said. */
  built: Date | null;
}

/** Milliseconds a clock may be off: no signature and no certificate turns on so little. */
const SLACK = 300_000;

export function lookAtClock(now: Date, { built, signed, host }: KnownTime): ClockHere {
  const says = now.toISOString();
  const past = [
    [signed, 'what this machine trusts was signed'],
    [built, 'this d3 was built'],
  ] as const;
  const least = past.filter(([at]) => at !== null && at.getTime() > now.getTime() + SLACK);
  const [latest, what] = least.toSorted(([a], [b]) => (b as Date).getTime() - (a as Date).getTime())[0] ?? [null, ''];
  if (latest !== null) {
    const by = span(latest.getTime() - now.getTime());
    const text = `the clock says ${says}, but ${what} at ${latest.toISOString()}: it is at least ${by} behind`;
    return { now: says, verdict: 'behind', certain: true, text };
  }
  const off = host === null ? 0 : now.getTime() - host.getTime();
  if (host === null || Math.abs(off) <= SLACK) return { now: says, verdict: 'right', certain: true, text: '' };
  const verdict = off > 0 ? 'ahead' : 'behind';
  const text = `the clock says ${says}, the depot's host ${host.toISOString()}: it is about ${span(Math.abs(off))} ${verdict}`;
  return { now: says, verdict, certain: false, text };
}
