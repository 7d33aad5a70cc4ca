import type { FileFound, FilesTakenOver, Reporter } from '@d3/sdk';
import { type CatalogIndex, indexCatalog } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { receiptOf } from './adopt.ts';
import { joinOrLock } from './lock.ts';
import { type Migrated, readAncestor } from './migrate.ts';
import { noDepot } from './no-depot.ts';
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

interface RecordOptions {
  dryRun: boolean;
  /** Seconds to wait for another run to end. */
  wait: number;
  signal: AbortSignal;
  report: Reporter;
}

export interface TakeOverOptions extends RecordOptions {
  file: string;
}

/**
 * Takes receipts and queued packages of the ancestor over into this machine's record. What is on record here already stays. Which
 * files a package has put here is not in them: the next sync finds that out for those whose edition is in the depot and whole here.
 */
export async function takeOver(machine: Machine, options: TakeOverOptions): Promise<TakenOver & { notes: string[] }> {
  const { depot, clock } = machine;
  const trusted = depot === null ? null : await depot.refresh({ keep: false }).catch(() => depot.kept());
  const index = trusted === null ? null : indexCatalog(trusted.catalog);
  const found = await readAncestor(options.file, index, clock.now().toISOString());
  return { ...(await putOnRecord(found, 'migrate receipts', machine, options)), notes: found.notes };
}

/**
 * Takes packages that somebody else's receipts speak of over as the editions with files of these names. Where several editions of a
 * basename are spoken of, the newest is taken: the one with the highest id. What is on record here already stays.
 * @throws D3Error usage without a depot, and why its catalog could not be had
 */
export async function takeOverFiles(
  found: readonly FileFound[],
  machine: Machine,
  { admin, ...options }: RecordOptions & { admin: string },
): Promise<FilesTakenOver> {
  const { depot, clock } = machine;
  if (depot === null) throw noDepot();
  const trusted = await depot.refresh({ keep: false }).catch(async (error: unknown) => {
    const kept = await depot.kept();
    if (kept === null) throw error;
    return kept;
  });
  const index = indexCatalog(trusted.catalog);
  const matched = found.flatMap((file) => editionsOf(file, index).map((edition) => ({ ...file, edition })));
  const newest = new Map<string, (typeof matched)[number]>();
  for (const one of matched.toSorted((a, b) => a.edition.id - b.edition.id)) newest.set(one.edition.basename, one);
  const receipts = [...newest.values()].map(({ edition, at }) =>
    receiptOf(edition, index, { admin, at: at ?? clock.now().toISOString() }),
  );
  const { dryRun, kept, ...taken } = await putOnRecord({ receipts, deferred: [] }, 'take over', machine, options);
  const isTaken = new Set(taken.receipts);
  return {
    dryRun,
    taken: [...newest.values()]
      .filter(({ edition }) => isTaken.has(edition.edition))
      .map(({ name, edition }) => ({ file: name, edition: edition.edition })),
    older: matched
      .filter(({ edition }) => newest.get(edition.basename)?.edition.id !== edition.id)
      .map(({ name, edition }) => ({
        file: name,
        edition: edition.edition,
        newest: newest.get(edition.basename)?.edition.edition ?? '',
      })),
    kept,
    unknown: found.filter((file) => editionsOf(file, index).length === 0).map(({ name }) => name),
  };
}

/** Receipts name a package that is zipped in the depot without that ending. */
function editionsOf({ name }: FileFound, index: CatalogIndex): readonly Edition[] {
  const named = index.byFileName(name);
  return named.length > 0 ? named : index.byFileName(`${name}.zip`);
}

async function putOnRecord(
  found: Pick<Migrated, 'receipts' | 'deferred'>,
  command: string,
  { paths, clock }: Machine,
  { dryRun, wait, signal, report }: RecordOptions,
): Promise<TakenOver> {
  if (dryRun) {
    const reader = StateReader.open(paths);
    try {
      return { dryRun, ...split(found, reader) };
    } finally {
      reader.close();
    }
  }
  const onWait = () => report({ type: 'note', target: null, text: 'another d3 run is changing this machine: waiting' });
  const lock = await joinOrLock({ paths, parent: null, command, wait, clock, signal, onWait });
  try {
    const { state } = openOrRebuild(paths, clock.now());
    try {
      const taken = split(found, state);
      const kept = new Set(taken.kept);
      for (const receipt of found.receipts) if (!kept.has(receipt.basename)) state.adopt(receipt, []);
      for (const entry of found.deferred)
        if (!kept.has(entry.edition.basename)) state.defer(entry.edition.basename, entry);
      if (taken.receipts.length > 0) state.setRebuilt(clock.now().toISOString());
      return { dryRun, ...taken };
    } finally {
      state.close();
    }
  } finally {
    lock.release();
  }
}

function split(
  { receipts, deferred }: Pick<Migrated, 'receipts' | 'deferred'>,
  state: StateReader,
): Omit<TakenOver, 'dryRun'> {
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
