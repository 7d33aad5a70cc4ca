import { copyFileSync, existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Reporter } from '@d3/sdk';
import type { MachinePaths } from '../../platform/paths.ts';
import { isDamage } from './damage.ts';
import { readRow } from './documents.ts';
import { State } from './state.ts';

/** What became of a state that was damaged or lost. */
export interface Rebuilt {
  /** Where the damaged file is kept; null when there was none. */
  aside: string | null;
  /** Rows that could be read, by table. */
  kept: Record<string, number>;
  /** Tables in which something could not be read. */
  damaged: string[];
}

/**
 * Opens the state for changing. One that is damaged is set aside first and made anew from all of its rows that can be read; one
 * that is gone, from a machine that had one, is made anew and known to be so. Done again after a cut it comes to the same.
 * @param now for the name of the file set aside
 */
export function openOrRebuild(paths: MachinePaths, now: Date): { state: State; rebuilt: Rebuilt | null } {
  const file = paths.stateDatabase;
  if (isLost(paths)) {
    const state = State.open(paths);
    state.setRebuilt(now.toISOString());
    return { state, rebuilt: { aside: null, kept: {}, damaged: [] } };
  }
  const opened = openSound(paths);
  if (opened !== null) return { state: opened, rebuilt: null };
  const fresh = `${file}.rebuilt`;
  for (const leftover of [fresh, `${fresh}-journal`]) rmSync(leftover, { force: true });
  const made = State.open({ ...paths, stateDatabase: fresh });
  let salvaged: Pick<Rebuilt, 'kept' | 'damaged'>;
  try {
    salvaged = salvage(file, fresh);
    made.setRebuilt(now.toISOString());
  } finally {
    made.close();
  }
  const aside = keepAside(file, now);
  renameSync(fresh, file);
  return { state: State.open(paths), rebuilt: { aside, ...salvaged } };
}

/**
 * Sees to it that a state somebody took away is not made anew without a word: whoever writes to it outside of a run lets the
 * rebuild do that first, under the run lock.
 */
export async function soundState(
  paths: MachinePaths,
  now: Date,
  { report, lock }: { report: Reporter; lock: () => Promise<{ level: number; release(): void }> },
): Promise<void> {
  if (!isLost(paths)) return;
  const held = await lock();
  try {
    if (held.level > 0) return;
    const { state, rebuilt } = openOrRebuild(paths, now);
    state.close();
    if (rebuilt !== null) report({ type: 'warning', target: null, text: rebuiltWords(rebuilt) });
  } finally {
    held.release();
  }
}

/** Whether somebody took the state away: the machine has its id, and no record of anything. */
function isLost({ stateDatabase, identity }: MachinePaths): boolean {
  const size = statSync(stateDatabase, { throwIfNoEntry: false })?.size ?? 0;
  return size === 0 && existsSync(identity);
}

/** @returns null when it is damaged */
function openSound(paths: MachinePaths): State | null {
  let state: State | null = null;
  try {
    state = State.open(paths);
    state.examine();
    return state;
  } catch (error) {
    state?.close();
    if (isDamage(error)) return null;
    throw error;
  }
}

/** Keeps the damaged file under a name of its own. Its journal goes first: it must never be applied to the new one. */
function keepAside(file: string, now: Date): string {
  const aside = `${file}.damaged-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  rmSync(aside, { force: true });
  if (existsSync(`${file}-journal`)) renameSync(`${file}-journal`, `${aside}-journal`);
  try {
    linkSync(file, aside);
  } catch {
    copyFileSync(file, aside);
  }
  return aside;
}

/** Copies every row that can be read: from the front up to the damage, and from the back up to it. */
function salvage(from: string, to: string): Pick<Rebuilt, 'kept' | 'damaged'> {
  const source = new DatabaseSync(from);
  const target = new DatabaseSync(to);
  const kept: Record<string, number> = {};
  const damaged: string[] = [];
  try {
    const tables = target.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    target.exec('BEGIN IMMEDIATE');
    for (const { name } of tables.all() as { name: string }[]) {
      const whole = ['ASC', 'DESC'].every((order) => copyRows(source, target, name, order));
      if (!whole) damaged.push(name);
      kept[name] = (target.prepare(`SELECT count(*) AS rows FROM ${name}`).get() as { rows: number }).rows;
    }
    target.exec('COMMIT');
    return { kept, damaged };
  } finally {
    source.close();
    target.close();
  }
}

interface Column {
  name: string;
  /** Place in the primary key, from 1; 0 when it is no part of it. */
  pk: number;
}

/** @returns whether every row could be read and is what d3 writes */
function copyRows(source: DatabaseSync, target: DatabaseSync, table: string, order: string): boolean {
  let sound = true;
  try {
    const columns = columnsOf(target, table);
    const there = new Set(columnsOf(source, table).map(({ name }) => name));
    const shared = columns.map(({ name }) => name).filter((name) => there.has(name));
    if (shared.length === 0) return false;
    const key = columns.filter(({ pk }) => pk > 0).toSorted((a, b) => a.pk - b.pk);
    const by = key.map(({ name }) => `${name} ${order}`).join(', ');
    const rows = source.prepare(`SELECT ${shared.join(', ')} FROM ${table} ORDER BY ${by}`);
    const insert = target.prepare(
      `INSERT OR REPLACE INTO ${table} (${shared.join(', ')}) VALUES (${shared.map(() => '?').join(', ')})`,
    );
    for (const row of rows.iterate() as Iterable<Record<string, SQLInputValue>>) {
      if (isReadable(table, row)) insert.run(...shared.map((name) => row[name] as SQLInputValue));
      else sound = false;
    }
    return sound;
  } catch {
    return false;
  }
}

function columnsOf(database: DatabaseSync, table: string): Column[] {
  return database.prepare(`PRAGMA table_info(${table})`).all() as unknown as Column[];
}

/** Whether whoever reads it later can. What a newer d3 wrote is kept: it is refused then, by name. */
function isReadable(table: string, row: Record<string, SQLInputValue>): boolean {
  try {
    readRow(table, row);
    return true;
  } catch (error) {
    return !isDamage(error);
  }
}

/** What happened to the state, for whoever ran the command. */
export function rebuiltWords({ aside, kept, damaged }: Rebuilt): string {
  if (aside === null)
    return 'the record of what is installed here was gone; the next d3 sync looks for it on the disk again';
  const receipts = kept['receipts'] ?? 0;
  const lost = damaged.length === 0 ? '' : ` (not all of ${damaged.join(', ')} could be read)`;
  return `the record of what is installed here was damaged and is kept as ${aside}; it was made anew with ${receipts} receipts${lost}, and the next d3 sync looks on the disk for the rest`;
}
