import type { ExpirationFacts, ExpiringReceipt } from './facts.ts';

/**
 * What becomes of something installed. `never`: it has no expiration. `keep`: it stays, and why. `warn`: it stays today, and is removed
 * in so many days unless that changes. `expire`: it is removed now.
 */
export type Verdict =
  | { kind: 'never' }
  | { kind: 'keep'; reason: string }
  /** `told`: the notice its users have had is about just this. */
  | { kind: 'warn'; days: number; reason: string; told: boolean }
  | { kind: 'expire'; reason: string };

/** How one of the two ways to expire stands: by disuse, and for good on a date. */
type Standing =
  /** Time is up. `from`: what the users were told before that moment is about something else. */
  | { kind: 'due'; reason: string; from: number }
  | { kind: 'waits'; until: number; reason: string; from: number }
  | { kind: 'open'; reason: string };

const DAY = 86_400_000;
/** Usage data that is older says nothing of today. Milliseconds. */
const FRESH = DAY;

/**
 * The one rule of expiration: everything has to hold before something is removed, and whatever is not known keeps it. Pure.
 * @param facts null: they could not be gathered
 * @param at the time of the plan, ISO 8601
 */
export function judge(receipt: ExpiringReceipt, facts: ExpirationFacts | null, at: string): Verdict {
  const { expiration, firmExpiration } = receipt;
  const isByUse = expiration !== 0;
  if (!isByUse && firmExpiration === null) return { kind: 'never' };
  if (facts === null) return keep('what expiration goes by could not be gathered');
  const now = Date.parse(at);
  const obstacle = obstacleToAll(receipt, facts, now);
  if (obstacle !== null) return keep(obstacle);
  const standings = [
    ...(isByUse ? [byUse(receipt, facts, now)] : []),
    ...(firmExpiration === null ? [] : [forGood(firmExpiration, Date.parse(receipt.installedAt), now)]),
  ];
  const due = standings.find((standing) => standing.kind === 'due');
  if (due !== undefined) return afterNotice(due, receipt, facts, now);
  const [next] = standings.filter((standing) => standing.kind === 'waits').toSorted((a, b) => a.until - b.until);
  if (next !== undefined && facts.noticeDays !== null && next.until - now <= facts.noticeDays * DAY)
    return {
      kind: 'warn',
      days: daysTo(next.until, now),
      reason: next.reason,
      told: toldAt(next.from, receipt, facts, now) !== null,
    };
  return keep(standings.map(({ reason }) => reason).join('; '));
}

function keep(reason: string): Verdict {
  return { kind: 'keep', reason };
}

/** What stands against any expiration, in the order in which it is said. */
function obstacleToAll(receipt: ExpiringReceipt, facts: ExpirationFacts, now: number): string | null {
  const { allowed, clockSeen, running } = facts;
  const { removable, expirationPaths, installedAt } = receipt;
  if (!allowed) return 'expiration is not allowed on this machine';
  if (!removable) return 'it is not removable';
  if (!Number.isFinite(now)) return 'the time is not known';
  if (clockSeen !== null && !(Date.parse(clockSeen) <= now))
    return `the clock is earlier than it was at a sync before (${clockSeen})`;
  if (!(Date.parse(installedAt) <= now)) return 'by the clock it is not installed yet';
  if (running === null) return 'which programs run cannot be found out';
  const busy = expirationPaths.find((path) => running.includes(path));
  return busy === undefined ? null : `${busy} is running`;
}

/** Disuse: more whole days than it may be unused, all of them on record. */
function byUse(receipt: ExpiringReceipt, facts: ExpirationFacts, now: number): Standing {
  const { basename, expiration, expirationPaths, installedAt } = receipt;
  const { monitor, usage, kept } = facts;
  if (!Number.isSafeInteger(expiration) || expiration < 0) return open(`${expiration} is no number of days`);
  if (expirationPaths.length === 0) return open('it has no expiration path to watch');
  if (Object.hasOwn(kept, basename)) {
    const until = kept[basename] ?? null;
    if (until === null) return open('it is kept as asked for with "d3 keep"');
    if (!(Date.parse(until) <= now)) return open(`it is kept until ${dayOf(until)}, as asked for with "d3 keep"`);
  }
  if (monitor === null) return open('whether d3RepoMan runs cannot be found out');
  if (!monitor) return open('d3RepoMan, which records what is used, does not run');
  if (!usage.known) return open(`what is used is not known: ${usage.why}`);
  const { writtenAt, since, lastUsed, future, unrecordable } = usage;
  const age = writtenAt === null ? Number.NaN : now - Date.parse(writtenAt);
  if (!(age < FRESH)) return open('what is used was last recorded a day ago or longer');
  const odd = expirationPaths.find((path) => unrecordable.includes(path));
  if (odd !== undefined) return open(`use of ${JSON.stringify(odd)} cannot be recorded`);
  const ahead = expirationPaths.find((path) => future.includes(path));
  if (ahead !== undefined) return open(`a use of ${ahead} is on record for a time that is still to come`);
  const uses = expirationPaths.flatMap((path) =>
    Object.hasOwn(lastUsed, path) ? [Date.parse(lastUsed[path] ?? '')] : [],
  );
  const last = Math.max(Date.parse(installedAt), ...uses);
  if (!(last <= now)) return open('when it was last used is not known');
  const covered = since === null ? Number.NaN : now - Date.parse(since);
  if (!(covered >= expiration * DAY)) {
    const days = Number.isNaN(covered) ? 0 : Math.max(0, Math.floor(covered / DAY));
    return open(`what is used is on record for ${inDays(days)} only, and it may be unused for ${inDays(expiration)}`);
  }
  const what = uses.includes(last) ? 'last used' : 'not used since it was installed';
  const unused = Math.floor((now - last) / DAY);
  const reason = `${what} ${inDays(unused)} ago; it may be unused for ${inDays(expiration)}`;
  if (unused > expiration) return { kind: 'due', reason, from: last };
  return { kind: 'waits', until: last + (expiration + 1) * DAY, reason, from: last };
}

/** A day of the calendar (UTC) or so many days after the install, whether it is used or not. */
function forGood(firm: NonNullable<ExpiringReceipt['firmExpiration']>, installed: number, now: number): Standing {
  const until = 'on' in firm ? Date.parse(`${firm.on}T00:00:00Z`) + DAY : installed + firm.days * DAY;
  if (!Number.isFinite(until)) return open('when it ends for good is not known');
  const reason =
    'on' in firm ? `${firm.on} is its last day, used or not` : `it stays ${inDays(firm.days)}, used or not`;
  return until <= now ? { kind: 'due', reason, from: installed } : { kind: 'waits', until, reason, from: installed };
}

function open(reason: string): Standing {
  return { kind: 'open', reason };
}

/** Where users are told, nothing goes before they were, in time. */
function afterNotice(
  { reason, from }: Extract<Standing, { kind: 'due' }>,
  receipt: ExpiringReceipt,
  facts: ExpirationFacts,
  now: number,
): Verdict {
  const { noticeDays } = facts;
  if (noticeDays === null) return { kind: 'expire', reason };
  const told = toldAt(from, receipt, facts, now);
  const until = (told ?? now) + noticeDays * DAY;
  if (until <= now) return { kind: 'expire', reason };
  return { kind: 'warn', days: daysTo(until, now), reason, told: told !== null };
}

/** When users were told; null: they were not, or of another edition, or before it was used again. */
function toldAt(
  from: number,
  { basename, edition }: ExpiringReceipt,
  { noticed }: ExpirationFacts,
  now: number,
): number | null {
  const notice = Object.hasOwn(noticed, basename) ? noticed[basename] : undefined;
  if (notice === undefined || notice.edition !== edition) return null;
  const told = Date.parse(notice.at);
  return told >= from && told <= now ? told : null;
}

function daysTo(until: number, now: number): number {
  return Math.max(1, Math.ceil((until - now) / DAY));
}

function inDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

/** Of an ISO 8601 time. */
function dayOf(at: string): string {
  return at.slice(0, 10);
}
