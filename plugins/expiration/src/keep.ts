import { D3Error, type PlanReceipt, type StatePort } from '@d3/sdk';
import { recall, remember } from './memory.ts';

/** What became of one basename. */
export type Kept = {
  basename: string;
  /** ISO 8601; null: until it is taken back. */
  until: string | null;
  kept: boolean;
};

const DAY = 86_400_000;

export interface KeepRequest {
  basenames: readonly string[];
  /** Null: until it is taken back; 0 takes it back. */
  days: number | null;
}

/**
 * Keeps what is installed from expiring by disuse. What is no longer installed is forgotten with it.
 * @throws D3Error notFound (34) for what is not installed; then nothing is changed
 */
export function keepFromExpiring(
  { basenames, days }: KeepRequest,
  receipts: readonly PlanReceipt[],
  { state, now }: { state: StatePort; now: Date },
): Kept[] {
  const installed = new Set(receipts.map(({ basename }) => basename));
  for (const basename of basenames) if (!installed.has(basename)) throw notInstalled(basename);
  const until = days === null ? null : new Date(now.getTime() + days * DAY).toISOString();
  const before = Object.entries(recall('kept', state) ?? {});
  const kept = Object.fromEntries(before.filter(([basename]) => installed.has(basename)));
  for (const basename of basenames) {
    if (days === 0) delete kept[basename];
    else kept[basename] = until;
  }
  remember('kept', kept, state);
  return [...new Set(basenames)].map((basename) => ({ basename, until: days === 0 ? null : until, kept: days !== 0 }));
}

function notInstalled(basename: string): D3Error {
  return new D3Error('NOT_INSTALLED', 'notFound', `${basename} is not installed here.`, {
    target: basename,
    actions: ['see what is: d3 list-installed'],
  });
}
