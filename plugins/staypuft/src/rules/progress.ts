import type { DepotRunBrief } from '@d3/sdk';
import type { Role } from '../types.ts';
import { partId, type Taking } from './conduct.ts';
import { PHASES, type Phase } from './host-steps.ts';

/** How far what is done to some hosts is. A type, so that it is JSON. */
export type Progress = {
  /** `prepare`, the name of a role, `release`. */
  name: string;
  hosts: number;
  done: number;
  failed: number;
  skipped: number;
  /** Hosts it is being done to, with the step each is at. */
  now: { host: string; step: string }[];
  /** Seconds it takes still, by how long it took with those that are done; null: nobody can say yet. */
  secondsLeft: number | null;
};

/** How far a run is: preparing, each role, releasing, in the order they have their turn. */
export function progressOf(
  run: string,
  { roles, hosts, abreast }: { roles: readonly Role[]; hosts: readonly Taking[]; abreast: number },
  family: readonly DepotRunBrief[],
): Progress[] {
  const byId = new Map(family.map((brief) => [brief.id, brief]));
  const of = (name: string, phase: Phase, taking: readonly number[], width: number): Progress => {
    const briefs = taking.map((index) => ({ index, brief: byId.get(partId(run, index, phase)) }));
    const count = (...states: DepotRunBrief['state'][]) =>
      briefs.filter(({ brief }) => brief !== undefined && states.includes(brief.state)).length;
    const open = briefs.flatMap(({ index, brief }) => {
      const isOpen = brief?.state === 'running' || brief?.state === 'waiting';
      return isOpen ? [{ host: hosts[index]?.host ?? '', step: brief.step ?? '' }] : [];
    });
    const left = briefs.flatMap(({ brief }) => leftOf(brief));
    return {
      name,
      hosts: taking.length,
      done: count('done'),
      failed: count('failed', 'holding'),
      skipped: count('cancelled'),
      now: open,
      secondsLeft: secondsLeft(
        briefs.map(({ brief }) => brief),
        left.length,
        width,
      ),
    };
  };
  const all = hosts.map((_, index) => index);
  const members = (name: string) => all.filter((index) => hosts[index]?.role === name);
  const [first, , last] = PHASES;
  return [
    of(first, first, all, abreast),
    ...roles
      .filter(({ name }) => members(name).length > 0)
      .map((role) => of(role.name, 'role', members(role.name), role.abreast)),
    of(last, last, all, abreast),
  ];
}

function leftOf(brief: DepotRunBrief | undefined): true[] {
  return brief === undefined || brief.state === 'running' || brief.state === 'waiting' ? [true] : [];
}

/** By the mean of those that are done, as many at a time as there may be. */
function secondsLeft(briefs: readonly (DepotRunBrief | undefined)[], left: number, width: number): number | null {
  if (left === 0) return 0;
  const took = briefs.flatMap((brief) =>
    brief?.state === 'done' && brief.endedAt !== null
      ? [(Date.parse(brief.endedAt) - Date.parse(brief.createdAt)) / 1000]
      : [],
  );
  if (took.length === 0) return null;
  const mean = took.reduce((sum, one) => sum + one, 0) / took.length;
  return Math.ceil(mean * Math.ceil(left / Math.max(1, width)));
}

/** How far it is, in a line. */
export function progressText({ hosts, done, failed, skipped, now, secondsLeft: left }: Progress): string {
  const [at] = now;
  return [
    `${done} of ${hosts}`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(skipped === 0 ? [] : [`${skipped} left out`]),
    ...(at === undefined ? [] : [`${at.host}: ${at.step}${now.length === 1 ? '' : ` and ${now.length - 1} more`}`]),
    ...(left === null || left === 0 ? [] : [`about ${durationText(left)} left`]),
  ].join(', ');
}

function durationText(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
