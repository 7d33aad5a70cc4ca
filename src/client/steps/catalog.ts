import { D3Error } from '@d3/sdk';
import type { DepotClient, TrustedCatalog } from '../../depot/contract.ts';
import { joinOrLock } from '../lock.ts';
import type { StepParts } from './parts.ts';

const TRIES = 5;

/**
 * The newest catalog, without waiting for a run that is at work: what was verified is kept only while no other run could keep
 * something of its own.
 */
export async function freshCatalog(parts: StepParts, depot: DepotClient): Promise<TrustedCatalog> {
  const { paths, clock } = parts.machine;
  const { signal } = parts.options;
  const lock = await joinOrLock({
    paths,
    parent: null,
    command: 'policy',
    wait: 0,
    clock,
    signal,
    onWait: () => undefined,
  }).catch((error: unknown) => {
    if (error instanceof D3Error && error.exit === 'busy') return null;
    throw error;
  });
  if (lock === null) return steady(() => depot.refresh({ keep: false }));
  try {
    return await depot.refresh();
  } finally {
    lock.release();
  }
}

/** The catalog seen last; null when there is none. */
export function keptCatalog(depot: DepotClient): Promise<TrustedCatalog | null> {
  return steady(() => depot.kept());
}

/** A run that keeps a new catalog takes the old one away: who was just reading it reads the new one. */
async function steady<Result>(read: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === TRIES) throw error;
    }
  }
}
