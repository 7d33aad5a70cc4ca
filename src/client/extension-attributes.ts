import type { TrustedCatalog } from '../depot/contract.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { indexOf } from './lists.ts';
import { StateReader } from './state/state.ts';
import { statusOf } from './status.ts';

/**
 * What inventories of other systems read of a machine: by basename, under the names the ancestor used. No basename begins
 * with `_`, so the version of the schema and the machine's own id have a place among them.
 */
interface Attribute<Schema extends string, Entry> {
  _schema: Schema;
  /** The machine's own id, by which a depot knows it; null: it has none yet. */
  _computer: string | null;
  /** By basename; none begins with `_`. */
  [basename: string]: Entry | string | null;
}

export type ReceiptsAttribute = Attribute<
  'd3/ea-receipts@1',
  {
    version: string;
    revision: number;
    status: string;
    installed_at: string;
    admin: string;
    frozen: boolean;
    manual: boolean;
    custom_expiration: number | null;
    last_usage: null;
  }
>;

export type QueueAttribute = Attribute<
  'd3/ea-queue@1',
  {
    version: string;
    revision: number;
    status: string;
    queued_at: string;
    admin: string;
    custom_expiration: number | null;
  }
>;

export type ExtensionAttribute = ReceiptsAttribute | QueueAttribute;

/** What is installed here. `last_usage` is null: `d3 ea usage` tells it. */
export async function receiptsAttribute(
  paths: MachinePaths,
  kept: () => Promise<TrustedCatalog | null>,
): Promise<ReceiptsAttribute> {
  const state = StateReader.open(paths);
  try {
    const index = indexOf(await kept());
    const receipts = state.receipts().map((receipt) => [
      receipt.basename,
      {
        version: receipt.version,
        revision: receipt.revision,
        status: statusOf(receipt, index),
        installed_at: receipt.installedAt,
        admin: receipt.admin,
        frozen: receipt.frozen !== null,
        manual: receipt.manual,
        custom_expiration: receipt.customExpiration,
        last_usage: null,
      },
    ]);
    return { _schema: 'd3/ea-receipts@1', _computer: state.computerId(), ...Object.fromEntries(receipts) };
  } finally {
    state.close();
  }
}

/** What waits for a restart here. */
export async function queueAttribute(
  paths: MachinePaths,
  kept: () => Promise<TrustedCatalog | null>,
): Promise<QueueAttribute> {
  const state = StateReader.open(paths);
  try {
    const index = indexOf(await kept());
    const queue = state.deferred().map(({ edition, admin, customExpiration, queuedAt }) => [
      edition.basename,
      {
        version: edition.version,
        revision: edition.revision,
        status: statusOf(edition, index),
        queued_at: queuedAt,
        admin,
        custom_expiration: customExpiration,
      },
    ]);
    return { _schema: 'd3/ea-queue@1', _computer: state.computerId(), ...Object.fromEntries(queue) };
  } finally {
    state.close();
  }
}
