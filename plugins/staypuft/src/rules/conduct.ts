import type { DepotRunBrief } from '@d3/sdk';
import type { HostKind, Role } from '../types.ts';
import type { Phase } from './host-steps.ts';
import { readyRoles, rolesBehind } from './order.ts';
import { abreastOf, wavesOf } from './waves.ts';

/** A host that takes part in a run of a deployment. */
export interface Taking {
  host: string;
  kind: HostKind;
  role: string;
  /** Title of its role's hostgroup in Foreman; null: it is not deployed by way of it. */
  hostgroup: string | null;
}

/** What a run of a deployment goes by; it stays as it was when the run began. */
export interface Score {
  roles: readonly Role[];
  hosts: readonly Taking[];
  /** Hosts that are prepared, and released, at the same time. */
  abreast: number;
}

/** As much of a host's run as the conductor goes by. */
export type Part = Pick<DepotRunBrief, 'state' | 'text'>;

/** The runs of hosts by their ids, see {@link partId}. */
export type Parts = ReadonlyMap<string, Part>;

/** What is to be done next. */
export interface Beat {
  /** Runs of hosts that are to be begun: places of hosts in the score. */
  begin: readonly { index: number; phase: Phase }[];
  /** How it stands, in words. */
  text: string;
  /** `hold`: nothing goes on by itself any more, and something failed. Null: it goes on. */
  end: 'done' | 'hold' | null;
}

/** How a host's run stands: not begun, under way, done, at an end that is none, or left out by somebody. */
type Standing = 'none' | 'open' | 'done' | 'stopped' | 'skipped';

const LETTERS: Readonly<Record<Phase, string>> = { prepare: 'p', role: 'r', release: 'x' };

/** Id of the run of a host. */
export function partId(run: string, index: number, phase: Phase): string {
  return `${run}-${String(index).padStart(5, '0')}${LETTERS[phase]}`;
}

/** The place of the host and the phase that a run is of; null: it is no host's run of this one. */
export function partOf(run: string, id: string): { index: number; phase: Phase } | null {
  const [, digits, letter] = id.startsWith(`${run}-`) ? (/^(\d{5})([prx])$/.exec(id.slice(run.length + 1)) ?? []) : [];
  const phase = (Object.keys(LETTERS) as Phase[]).find((one) => LETTERS[one] === letter);
  return digits === undefined || phase === undefined ? null : { index: Number(digits), phase };
}

/**
 * The next beat of a deployment: first all hosts are prepared, then the roles have their turn as they wait for one another, each in
 * waves, then all are released. What fails stops no host beside it; it stops the next wave of its role and the roles behind it, once
 * more have failed than the role allows. A run that somebody cancelled leaves its host out.
 * @param run id of the conductor's run
 */
export function nextBeat(run: string, score: Score, parts: Parts): Beat {
  const standings = (phase: Phase) => score.hosts.map((_, index) => standingOf(parts.get(partId(run, index, phase))));
  const prepared = standings('prepare');
  const configured = standings('role');
  const released = standings('release');
  const preparing = toBegin(score, prepared, (index) => prepared[index] === 'none', 'prepare');
  if (prepared.some((one) => one === 'none' || one === 'open'))
    return { begin: preparing, text: counted('prepared', prepared), end: null };

  const roles = score.roles.filter(({ name }) => score.hosts.some(({ role }) => role === name));
  const names = new Set(roles.map(({ name }) => name));
  // A role nobody takes part in stands in nobody's way.
  const ordered = roles.map((role) => ({ ...role, after: behind(role, score.roles, names) }));
  const done = new Set<string>();
  const stopped = new Set<string>();
  const begin: { index: number; phase: Phase }[] = [];
  const told: string[] = [];
  for (const role of ordered) {
    const here = members(score, role.name, prepared, configured);
    if (isOver(here) && failures(here).length <= role.maxFailures) done.add(role.name);
    else if (failures(here).length > role.maxFailures) stopped.add(role.name);
  }
  for (const role of readyRoles(ordered, done, stopped))
    begin.push(...nextOf(role, members(score, role.name, prepared, configured)));
  for (const role of ordered) told.push(roleText(role.name, members(score, role.name, prepared, configured)));
  const text = told.join('; ');
  if (begin.length > 0 || configured.includes('open')) return { begin, text, end: null };
  if (stopped.size > 0) return { begin: [], text: `${text}${waitingText(rolesBehind(ordered, stopped))}`, end: 'hold' };

  const ready = (index: number) => released[index] === 'none' && configured[index] === 'done';
  const releasing = toBegin(score, released, ready, 'release');
  const words = `${text}; ${counted(
    'released',
    released.filter((_, index) => configured[index] === 'done'),
  )}`;
  if (releasing.length > 0 || released.includes('open')) return { begin: releasing, text: words, end: null };
  return { begin: [], text: words, end: released.includes('stopped') ? 'hold' : 'done' };
}

/** The hosts of a role, each with the worse of what came of preparing it and of its role. */
interface Member {
  index: number;
  host: string;
  standing: Standing;
}

function members(score: Score, role: string, prepared: readonly Standing[], configured: readonly Standing[]): Member[] {
  return score.hosts.flatMap(({ host, role: own }, index) => {
    if (own !== role) return [];
    const before = prepared[index] as Standing;
    return [{ index, host, standing: before === 'done' ? (configured[index] as Standing) : before }];
  });
}

/** The next hosts of a role: of its first wave that is not over, as many as it works on at the same time. */
function nextOf(role: Role, here: readonly Member[]): { index: number; phase: Phase }[] {
  const byHost = new Map(here.map((member) => [member.host, member]));
  for (const wave of wavesOf(
    role,
    here.map(({ host }) => host),
  )) {
    const own = wave.map((host) => byHost.get(host) as Member);
    if (isOver(own)) continue;
    const free = abreastOf(role) - own.filter(({ standing }) => standing === 'open').length;
    const next = own.filter(({ standing }) => standing === 'none').slice(0, Math.max(0, free));
    return next.map(({ index }) => ({ index, phase: 'role' }));
  }
  return [];
}

function toBegin(score: Score, standings: readonly Standing[], isNext: (index: number) => boolean, phase: Phase) {
  const free = score.abreast - standings.filter((one) => one === 'open').length;
  const next = score.hosts.flatMap((_, index) => (isNext(index) ? [{ index, phase }] : []));
  return next.slice(0, Math.max(0, free));
}

function standingOf(part: Part | undefined): Standing {
  switch (part?.state) {
    case undefined:
      return 'none';
    case 'running':
    case 'waiting':
      return 'open';
    case 'done':
      return 'done';
    case 'cancelled':
      return 'skipped';
    case 'failed':
    case 'holding':
      return 'stopped';
  }
}

function isOver(here: readonly Member[]): boolean {
  return here.every(({ standing }) => standing !== 'none' && standing !== 'open');
}

function failures(here: readonly Member[]): Member[] {
  return here.filter(({ standing }) => standing === 'stopped');
}

/** What a role waits for, through roles that nobody takes part in. */
function behind(role: Role, all: readonly Role[], taking: ReadonlySet<string>): string[] {
  const byName = new Map(all.map((one) => [one.name, one]));
  const found = new Set<string>();
  const seen = new Set<string>();
  const left = [...role.after];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (taking.has(name)) found.add(name);
    else left.push(...(byName.get(name)?.after ?? []));
  }
  return [...found];
}

function counted(what: string, standings: readonly Standing[]): string {
  const done = standings.filter((one) => one === 'done').length;
  const stopped = standings.filter((one) => one === 'stopped').length;
  return `${done} of ${standings.length} ${what}${stopped === 0 ? '' : `, ${stopped} failed`}`;
}

function roleText(name: string, here: readonly Member[]): string {
  const failed = failures(here).map(({ host }) => host);
  const skipped = here.filter(({ standing }) => standing === 'skipped').length;
  const done = here.filter(({ standing }) => standing === 'done').length;
  const named =
    failed.length > 5 ? `${failed.slice(0, 5).join(', ')} and ${failed.length - 5} more` : failed.join(', ');
  return [
    `${name}: ${done} of ${here.length} done`,
    ...(failed.length === 0 ? [] : [`${failed.length} failed (${named})`]),
    ...(skipped === 0 ? [] : [`${skipped} left out`]),
  ].join(', ');
}

function waitingText(roles: ReadonlySet<string>): string {
  return roles.size === 0 ? '' : `; not begun because of that: ${[...roles].join(', ')}`;
}
