import type { Json, PlanReceipt } from '@d3/sdk';
import { canExpire, type GatherPorts, gather, look, pathsOf } from './gather.ts';
import { judge } from './rules.ts';

/** How something installed is used, and what becomes of it. */
export type UsageRow = {
  basename: string;
  edition: string;
  /** Days it may be unused; 0: for ever. */
  expiration: number;
  paths: readonly string[];
  /** The last use on record, ISO 8601; null: none is, or none can be known. */
  lastUsed: string | null;
  /** Whole days since then, or since the install where no use is on record; null: it cannot be known. */
  daysUnused: number | null;
  running: boolean | null;
  /** `never`: it has no expiration. */
  verdict: 'never' | 'keep' | 'warn' | 'expire';
  /** Days until it is removed, where its users are told. */
  days: number | null;
  reason: string | null;
};

const DAY = 86_400_000;

/** What is used of all that says what its use is, or can expire. @param at ISO 8601 */
export async function usageHere(receipts: readonly PlanReceipt[], at: string, ports: GatherPorts): Promise<UsageRow[]> {
  const shown = receipts.filter((receipt) => canExpire(receipt) || receipt.expirationPaths.length > 0);
  const { facts } = await gather(shown, at, ports);
  const { usage, running } = facts.allowed ? facts : await look(pathsOf(shown), at, ports);
  return shown.map((receipt): UsageRow => {
    const { basename, edition, expiration, expirationPaths: paths, installedAt } = receipt;
    const verdict = judge(receipt, facts, at);
    const isKnown = usage.known && paths.length > 0 && !paths.some((path) => usage.future.includes(path));
    const uses = isKnown
      ? paths.flatMap((path) => (Object.hasOwn(usage.lastUsed, path) ? [usage.lastUsed[path]] : []))
      : [];
    const lastUsed =
      uses
        .filter((use) => use !== undefined)
        .toSorted()
        .at(-1) ?? null;
    const since = Math.max(Date.parse(installedAt), lastUsed === null ? 0 : Date.parse(lastUsed));
    return {
      basename,
      edition,
      expiration,
      paths,
      lastUsed,
      daysUnused: isKnown ? Math.max(0, Math.floor((Date.parse(at) - since) / DAY)) : null,
      running: running === null ? null : paths.some((path) => running.includes(path)),
      verdict: verdict.kind,
      days: verdict.kind === 'warn' ? verdict.days : null,
      reason: verdict.kind === 'never' ? null : verdict.reason,
    };
  });
}

/** What an inventory of another system reads, by basename. No basename begins with `_`. */
export type UsageAttribute = { _schema: string } & Record<string, Json>;

export function usageAttribute(rows: readonly UsageRow[]): UsageAttribute {
  const entries = rows.map(({ basename, edition, expiration, lastUsed, daysUnused, verdict, reason }) => [
    basename,
    { edition, expiration, last_usage: lastUsed, days_unused: daysUnused, expires: verdict, reason },
  ]);
  return { _schema: 'd3/ea-usage@1', ...Object.fromEntries(entries) };
}
