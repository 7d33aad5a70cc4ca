import type { Reporter } from '@d3/sdk';
import { indexCatalog } from '../catalog/resolve.ts';
import { joinOrLock } from './lock.ts';
import { type Migrated, readAncestor } from './migrate.ts';
import type { Machine } from './run.ts';
import { openOrRebuild } from './state/rebuild.ts';
import { StateReader } from './state/state.ts';

export interface TakenOver {
  dryRun: boolean;
  receipts: string[];
  queued: string[];
  /** Basenames that were on record here already; they stay as they are. */
  kept: string[];
}

export interface TakeOverOptions {
  file: string;
  dryRun: boolean;
  /** Seconds to wait for another run to end. */
  wait: number;
  signal: AbortSignal;
  report: Reporter;
}

/**
 * Takes receipts and queued packages of the ancestor over into this machine's record. What is on record here already stays. Which
 * files a package has put here is not in them: the next sync finds that out for those whose edition is in the depot and whole here.
 */
export async function takeOver(machine: Machine, options: TakeOverOptions): Promise<TakenOver & { notes: string[] }> {
  const { paths, depot, clock } = machine;
  const { file, dryRun, wait, signal, report } = options;
  const trusted = depot === null ? null : await depot.refresh({ keep: false }).catch(() => depot.kept());
  const index = trusted === null ? null : indexCatalog(trusted.catalog);
  const found = await readAncestor(file, index, clock.now().toISOString());
  if (dryRun) {
    const reader = StateReader.open(paths);
    try {
      return { dryRun, ...split(found, reader), notes: found.notes };
    } finally {
      reader.close();
    }
  }
  const onWait = () => report({ type: 'note', target: null, text: 'another d3 run is changing this machine: waiting' });
  const lock = await joinOrLock({ paths, parent: null, command: 'migrate receipts', wait, clock, signal, onWait });
  try {
    const { state } = openOrRebuild(paths, clock.now());
    try {
      const taken = split(found, state);
      const kept = new Set(taken.kept);
      for (const receipt of found.receipts) if (!kept.has(receipt.basename)) state.adopt(receipt, []);
      for (const entry of found.deferred)
        if (!kept.has(entry.edition.basename)) state.defer(entry.edition.basename, entry);
      if (taken.receipts.length > 0) state.setRebuilt(clock.now().toISOString());
      return { dryRun, ...taken, notes: found.notes };
    } finally {
      state.close();
    }
  } finally {
    lock.release();
  }
}

function split({ receipts, deferred }: Migrated, state: StateReader): Omit<TakenOver, 'dryRun'> {
  const here = new Set([
    ...state.receipts().map(({ basename }) => basename),
    ...state.deferred().map(({ edition }) => edition.basename),
  ]);
  const queued = deferred.map(({ edition }) => edition);
  const isNew = ({ basename }: { basename: string }) => !here.has(basename);
  return {
    receipts: receipts.filter(isNew).map(({ edition }) => edition),
    queued: queued.filter(isNew).map(({ edition }) => edition),
    kept: [...receipts, ...queued].map(({ basename }) => basename).filter((basename) => here.has(basename)),
  };
}
