import { D3Error } from '@d3/sdk';
import { type CatalogIndex, resolveTarget } from '../catalog/resolve.ts';
import type { Edition, Status } from '../catalog/types.ts';
import { groupWords } from '../planner/availability.ts';
import type { Wait } from '../planner/processes.ts';
import type { Drift, Receipt } from '../planner/receipt.ts';
import { receiptNamed } from '../planner/requested.ts';
import type { Deferred } from '../planner/types.ts';
import { statusOf } from './status.ts';

/** One target of `list-details`: what the depot says of it and what is installed of it here. */
export interface Details {
  target: string;
  edition: Edition | null;
  /** Names of its groups, in the order of the edition's own. */
  autoGroups: string[];
  excludedGroups: string[];
  receipt: Receipt | null;
  /** Of the edition that is installed, as in lists; null too when nothing is. */
  status: Status | null;
  /** The edition of it that waits for a restart; null: none. */
  queued: Deferred | null;
  /** The processes its update, install or removal waited for at the last sync, and since when (ISO 8601); null: none. */
  waiting: Wait | null;
  /** What something else made of the package behind d3; null: nothing that is known. */
  drift: Drift | null;
}

/** @throws D3Error notFound when neither the depot nor this machine knows it */
export function detailsOf(
  target: string,
  index: CatalogIndex | null,
  receipts: readonly Receipt[],
  waits: readonly ({ basename: string } & Wait)[] = [],
  queue: readonly Deferred[] = [],
  drift: readonly Drift[] = [],
): Details {
  const edition = index === null ? null : editionNamed(target, index);
  const receipt =
    receiptNamed(target, { receipts }) ?? receipts.find(({ basename }) => basename === edition?.basename) ?? null;
  const basename = (receipt ?? edition)?.basename;
  if (basename === undefined) throw unknown(target);
  const names = (groups: Edition['autoGroups']) =>
    index === null ? [] : groups.map((group) => groupWords(group, index));
  return {
    target,
    edition,
    autoGroups: names(edition?.autoGroups ?? []),
    excludedGroups: names(edition?.excludedGroups ?? []),
    receipt,
    status: receipt === null ? null : statusOf(receipt, index),
    queued: queue.find((entry) => entry.edition.basename === basename) ?? null,
    waiting: waits.find((wait) => wait.basename === basename) ?? null,
    drift: drift.find((change) => change.basename === basename) ?? null,
  };
}

/** The edition a word means to somebody who looks: of a basename the live one, else its newest. */
export function editionNamed(target: string, index: CatalogIndex): Edition | null {
  const resolved = resolveTarget(index, target);
  if (resolved.kind === 'edition') return resolved.edition;
  return resolved.kind === 'basename' ? (index.liveOf(target) ?? index.ofBasename(target).at(-1) ?? null) : null;
}

/** What looking for something ends with that nobody knows. */
export function unknown(target: string): D3Error {
  return new D3Error('NOT_FOUND', 'notFound', `${target} is neither installed here nor in the depot.`, {
    target,
    actions: ['see d3 list-installed and d3 list-available'],
  });
}
