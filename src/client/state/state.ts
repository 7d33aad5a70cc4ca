import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Json, StoredValue } from '@d3/sdk';
import type { Report } from '../../depot/contract.ts';
import type { Wait } from '../../planner/processes.ts';
import type { Proposed } from '../../planner/proposals.ts';
import type { Receipt } from '../../planner/receipt.ts';
import type { Action, Deferred, Facts, Plan, Request } from '../../planner/types.ts';
import type { MachinePaths } from '../../platform/paths.ts';
import type { Outcome } from '../outcome.ts';
import { isDamage, stateDamaged } from './damage.ts';
import {
  keepIdentity,
  keptIdentity,
  openStateForChange,
  openStateForReading,
  stateError,
  transaction,
} from './database.ts';
import { document, EXAMINED, journalled, parsed, processNames, readRow } from './documents.ts';

/** One path a package put on the machine. */
export interface ManifestEntry {
  /** Absolute within the root. */
  path: string;
  type: 'file' | 'dir' | 'symlink';
  mode: number;
  size: number;
  target: string | null;
}

/** How far an action has come; written before the phase begins. `removed`: the old edition is gone, its post-remove script is owed. */
export type Phase = 'planned' | 'fetched' | 'removing' | 'removed' | 'gated' | 'installing' | 'recorded';

export type JournalledAction = Extract<Action, { kind: 'install' | 'uninstall' }>;

export interface JournalEntry {
  id: number;
  run: string;
  basename: string;
  action: JournalledAction;
  phase: Phase;
  /** How often it was taken up again. */
  retries: number;
}

export interface RunRecord {
  schema: 'd3/run@1';
  id: string;
  command: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  finishedAt: string;
  exit: number;
  /** What was asked for, the catalog it was planned with (null: it needed none) and what plugins proposed; not in records of older d3s. */
  request?: Request;
  catalog?: string | null;
  proposals?: Proposed[];
  facts: Facts;
  plan: Plan;
  outcomes: Outcome[];
}

const KEPT_RUNS = 10;
const KEPT_REPORTS = 100;

/** What can be read without changing anything. */
export class StateReader {
  protected readonly database: DatabaseSync | null;

  constructor(database: DatabaseSync | null) {
    this.database = database;
  }

  /** Anybody may read; on a machine d3 has never run on, everything is empty. */
  static open(paths: MachinePaths): StateReader {
    return new StateReader(openStateForReading(paths));
  }

  /** The random id this machine goes by in its depot; null before its first changing run. */
  computerId(): string | null {
    return this.meta('computer-id');
  }

  /** The run that holds the lock now; null when none does. */
  currentRun(): string | null {
    return this.meta('current-run');
  }

  /** The run at a level below the current one, which a script of it or of another such run started; null when none is at work. */
  nestedRun(level: number): string | null {
    return this.meta(`nested-run-${level}`);
  }

  lastSync(): string | null {
    return this.meta('last-sync');
  }

  /** What the depot was told last, as its hash, and when (ISO 8601); null where that counts for nothing. */
  told(): { what: string; at: string } | null {
    const [what, at] = this.meta('told')?.split(' ') ?? [];
    return what === undefined || at === undefined ? null : { what, at };
  }

  /** When the state was made anew because it was damaged or lost; null once a sync has looked for what is not on record. */
  rebuiltAt(): string | null {
    return this.meta('rebuilt');
  }

  /** By basename. */
  receipts(): Receipt[] {
    const rows = this.rows<{ body: string }>('SELECT body FROM receipts ORDER BY basename');
    return rows.map((row) => document<Receipt>(row.body, 'receipt'));
  }

  /** Basenames that waited for processes to end when the last sync was over. */
  waits(): ({ basename: string } & Wait)[] {
    if (!this.has('waits')) return [];
    return this.rows<{ basename: string; since: string; processes: string }>(
      'SELECT basename, since, processes FROM waits ORDER BY basename',
    ).map(({ basename, since, processes }) => ({ basename, since, processes: processNames(processes) }));
  }

  /** What waits for a restart, by basename. */
  deferred(): Deferred[] {
    if (!this.has('deferred')) return [];
    const rows = this.rows<{ body: string }>('SELECT body FROM deferred ORDER BY basename');
    return rows.map((row) => document<Deferred>(row.body, 'deferred'));
  }

  /** Everything a basename has put on the machine, by path; several editions' files where updates kept the older ones'. */
  manifest(basename: string): ManifestEntry[] {
    return this.rows<ManifestEntry>(
      'SELECT path, type, mode, size, target, max(edition_id) AS newest FROM manifests WHERE basename = ? GROUP BY path ORDER BY path',
      basename,
    ).map(({ path, type, mode, size, target }) => ({ path, type, mode, size, target }));
  }

  /** Basenames whose manifests name a path. */
  ownersOf(path: string): string[] {
    const sql = 'SELECT DISTINCT basename FROM manifests WHERE path = ? ORDER BY basename';
    return this.rows<{ basename: string }>(sql, path).map((row) => row.basename);
  }

  /** Actions that were begun and not finished: cut ones, while no run is under way. */
  journal(): JournalEntry[] {
    return this.rows<Omit<JournalEntry, 'action'> & { body: string }>('SELECT * FROM actions ORDER BY id').map(
      ({ id, run, basename, body, phase, retries }) => ({
        id,
        run,
        basename,
        phase,
        retries,
        action: journalled<JournalledAction>(body),
      }),
    );
  }

  /** How far an action has come; null when it is over. */
  phaseOf(actionId: number): Phase | null {
    return this.rows<{ phase: Phase }>('SELECT phase FROM actions WHERE id = ?', actionId)[0]?.phase ?? null;
  }

  pluginValue(plugin: string, key: string): StoredValue | null {
    const sql = 'SELECT value, version FROM plugin_state WHERE plugin = ? AND key = ?';
    const [row] = this.rows<{ value: string; version: number }>(sql, plugin, key);
    return row === undefined ? null : { value: parsed<Json>(row.value), version: row.version };
  }

  /** The last runs, the newest first. One that cannot be read any more counts as absent. */
  runs(): RunRecord[] {
    const rows = this.rows<{ body: string }>('SELECT body FROM runs ORDER BY at DESC, id DESC');
    return rows.flatMap((row) => {
      try {
        return [document<RunRecord>(row.body, 'run')];
      } catch (error) {
        if (isDamage(error)) return [];
        throw error;
      }
    });
  }

  /** Reports not yet delivered, oldest first. */
  outbox(): { id: number; report: Report }[] {
    return this.rows<{ id: number; body: string }>('SELECT id, body FROM outbox ORDER BY id').map(({ id, body }) => ({
      id,
      report: parsed<Report>(body),
    }));
  }

  close(): void {
    this.database?.close();
  }

  protected meta(key: string): string | null {
    return this.rows<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)[0]?.value ?? null;
  }

  /** Whoever only reads may find a state that an older d3 wrote, with fewer tables. */
  protected has(table: string): boolean {
    return this.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table).length > 0;
  }

  protected rows<Row>(sql: string, ...values: (string | number)[]): Row[] {
    return sound(() => (this.database?.prepare(sql).all(...values) ?? []) as Row[]);
  }
}

/** @throws D3Error what stands in the way of reading or changing the state: damage, a full disk, no permission */
function sound<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw stateError(error, 'state.db');
  }
}

/** A machine's state in the hands of the run that holds its lock. Every method is one durable transaction. */
export class State extends StateReader {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super(database);
    this.#database = database;
  }

  static override open(paths: MachinePaths): State {
    const state = new State(openStateForChange(paths));
    const id = state.computerId() ?? keptIdentity(paths) ?? randomUUID();
    if (state.computerId() === null) state.setMeta('computer-id', id);
    keepIdentity(paths, id);
    return state;
  }

  /** The depot knows this machine by another id, from before it was set up anew: it goes by that from now on. */
  becomeComputer(id: string, paths: MachinePaths): void {
    if (this.computerId() !== id) {
      transaction(this.#database, () => {
        this.setMeta('computer-id', id);
        this.#run("DELETE FROM meta WHERE key = 'told'");
        // What it did not get rid of yet was said by this very machine.
        for (const { id: row, report } of this.outbox()) {
          const said = { ...report, computer: { ...report.computer, id } };
          this.#run('UPDATE outbox SET body = ? WHERE id = ?', JSON.stringify(said), row);
        }
      });
    }
    keepIdentity(paths, id);
  }

  /**
   * Reads what every run reads; all of the file where the last run did not come to its end.
   * @throws D3Error failed `STATE_DAMAGED`
   */
  examine(): void {
    if (this.currentRun() !== null) {
      const [found] = this.rows<{ integrity_check: string }>('PRAGMA integrity_check(1)');
      if (found?.integrity_check !== 'ok') throw stateDamaged(found?.integrity_check ?? 'it cannot be examined');
    }
    for (const table of EXAMINED)
      for (const row of this.rows<Record<string, unknown>>(`SELECT * FROM ${table}`)) readRow(table, row);
  }

  /** @param at ISO 8601; null once a sync has looked for what is not on record */
  setRebuilt(at: string | null): void {
    if (at === null) this.#run("DELETE FROM meta WHERE key = 'rebuilt'");
    else this.setMeta('rebuilt', at);
  }

  begin(run: string, action: JournalledAction, at: string): number {
    const basename = action.kind === 'install' ? action.edition.basename : action.receipt.basename;
    const sql = 'INSERT INTO actions (run, basename, body, phase, since) VALUES (?, ?, ?, ?, ?)';
    return Number(this.#run(sql, run, basename, JSON.stringify(action), 'planned', at).lastInsertRowid);
  }

  enter(actionId: number, phase: Phase): void {
    this.#run('UPDATE actions SET phase = ? WHERE id = ?', phase, actionId);
  }

  retry(actionId: number, run: string): void {
    this.#run('UPDATE actions SET retries = retries + 1, run = ? WHERE id = ?', run, actionId);
  }

  /** The action is over, done or given up; nothing of it is left to finish. */
  end(actionId: number): void {
    this.#run('DELETE FROM actions WHERE id = ?', actionId);
  }

  /**
   * Before the installer starts: what it is about to write, and that it is about to. Until it has, these rows carry minus
   * the action's id in place of the edition's, so that giving up takes away no row of an install that stood before.
   */
  enterInstalling(
    actionId: number,
    basename: string,
    entries: readonly ManifestEntry[],
    newFolders: readonly string[],
  ): void {
    transaction(this.#database, () => {
      this.#insertManifest(basename, -actionId, entries);
      const folder = this.#database.prepare('INSERT OR IGNORE INTO created_folders VALUES (?)');
      for (const path of newFolders) folder.run(path);
      this.enter(actionId, 'installing');
    });
  }

  /** What an install under way is to write. */
  installing(actionId: number): ManifestEntry[] {
    const sql = 'SELECT path, type, mode, size, target FROM manifests WHERE edition_id = ? ORDER BY path';
    return this.rows<ManifestEntry>(sql, -actionId);
  }

  /** The installer was undone: what it would have written is not here. @param gone created folders that do not exist */
  abandonInstalling(actionId: number, gone: readonly string[]): void {
    transaction(this.#database, () => {
      this.#run('DELETE FROM manifests WHERE edition_id = ?', -actionId);
      this.#dropFolders(gone);
      this.end(actionId);
    });
  }

  /**
   * @param installed what the system's own installer says it put in place, in place of what was expected (null: just that), and
   * whether nothing of earlier editions is left; null when there was no more to learn
   */
  recordInstalled(
    actionId: number,
    receipt: Receipt,
    installed: { paths: readonly ManifestEntry[] | null; replacedAll: boolean } | null,
  ): void {
    transaction(this.#database, () => {
      this.#saveReceipt(receipt);
      if (installed?.replacedAll)
        this.#run('DELETE FROM manifests WHERE basename = ? AND edition_id <> ?', receipt.basename, -actionId);
      if (installed !== null && installed.paths !== null) {
        this.#run('DELETE FROM manifests WHERE edition_id = ?', -actionId);
        this.#insertManifest(receipt.basename, -actionId, installed.paths);
      }
      this.#run('DELETE FROM waits WHERE basename = ?', receipt.basename);
      this.#run('UPDATE OR REPLACE manifests SET edition_id = ? WHERE edition_id = ?', receipt.id, -actionId);
      // Whatever waited of this basename need not any more.
      this.dequeue(receipt.basename);
      this.enter(actionId, 'recorded');
    });
  }

  /** What a sync left waiting for processes; whatever else waited does no longer. */
  setWaits(waits: readonly ({ basename: string } & Wait)[]): void {
    transaction(this.#database, () => {
      this.#run('DELETE FROM waits');
      for (const { basename, since, processes } of waits)
        this.#run('INSERT OR REPLACE INTO waits VALUES (?, ?, ?)', basename, since, JSON.stringify(processes));
    });
  }

  /** @param gone created folders that no longer exist */
  recordRemoved(actionId: number, basename: string, gone: readonly string[], next: Phase): void {
    transaction(this.#database, () => {
      this.#dropRecord(basename);
      this.#dropFolders(gone);
      this.enter(actionId, next);
    });
  }

  /** Puts a receipt in the place of the one of its basename, whole. */
  replaceReceipt(receipt: Receipt): void {
    this.#saveReceipt(receipt);
  }

  changeReceipt(basename: string, changes: Partial<Receipt>): void {
    transaction(this.#database, () => {
      const receipt = this.receipts().find((candidate) => candidate.basename === basename);
      if (receipt !== undefined) this.#saveReceipt({ ...receipt, ...changes });
    });
  }

  /** What waited of the basename before makes room for it. */
  defer(basename: string, deferred: Deferred): void {
    this.#run('INSERT OR REPLACE INTO deferred VALUES (?, ?)', basename, JSON.stringify(deferred));
  }

  dequeue(basename: string): void {
    this.#run('DELETE FROM deferred WHERE basename = ?', basename);
  }

  /** Records what is there already: its receipt, and its files as they stand. */
  adopt(receipt: Receipt, entries: readonly ManifestEntry[]): void {
    transaction(this.#database, () => {
      this.#dropRecord(receipt.basename);
      this.#saveReceipt(receipt);
      this.#insertManifest(receipt.basename, receipt.id, entries);
    });
  }

  /** Lets go of manifests without a receipt or an action under way: of what was lost and is not here any more. */
  dropStrayManifests(): void {
    const stray = 'basename NOT IN (SELECT basename FROM receipts) AND basename NOT IN (SELECT basename FROM actions)';
    this.#run(`DELETE FROM manifests WHERE ${stray}`);
  }

  /** Lets go of single paths of a basename. @param gone created folders that no longer exist */
  dropPaths(basename: string, paths: readonly string[], gone: readonly string[]): void {
    transaction(this.#database, () => {
      for (const path of paths) this.#run('DELETE FROM manifests WHERE basename = ? AND path = ?', basename, path);
      this.#dropFolders(gone);
    });
  }

  /** Drops d3's own record; the files stay where they are. */
  forget(basename: string): void {
    transaction(this.#database, () => {
      this.#dropRecord(basename);
      this.#run('DELETE FROM actions WHERE basename = ?', basename);
    });
  }

  /** @param version the one the caller saw, 0 for none @returns null when it is another by now */
  setPluginValue(plugin: string, key: string, value: Json, version: number): StoredValue | null {
    return transaction(this.#database, () => {
      if ((this.pluginValue(plugin, key)?.version ?? 0) !== version) return null;
      const next = version + 1;
      this.#run('INSERT OR REPLACE INTO plugin_state VALUES (?, ?, ?, ?)', plugin, key, JSON.stringify(value), next);
      return { value, version: next };
    });
  }

  /** Nothing is nested in a run that begins. @param run null when the run is over */
  setCurrentRun(run: string | null): void {
    transaction(this.#database, () => {
      if (run === null) this.#run("DELETE FROM meta WHERE key = 'current-run'");
      else {
        this.setMeta('current-run', run);
        this.#run("DELETE FROM meta WHERE key LIKE 'nested-run-%'");
      }
    });
  }

  /** @param run null when the run is over */
  setNestedRun(level: number, run: string | null): void {
    if (run === null) this.#run('DELETE FROM meta WHERE key = ?', `nested-run-${level}`);
    else this.setMeta(`nested-run-${level}`, run);
  }

  /** Paths of this basename that another one names as well, with one that does. */
  sharedPaths(basename: string): Map<string, string> {
    const sql =
      'SELECT DISTINCT a.path, b.basename FROM manifests a JOIN manifests b ON a.path = b.path WHERE a.basename = ? AND b.basename <> ?';
    const rows = this.rows<{ path: string; basename: string }>(sql, basename, basename);
    return new Map(rows.map((row) => [row.path, row.basename]));
  }

  /** Another basename that names a folder or anything in it; null when none does. */
  ownerWithin(folder: string, except: string): string | null {
    // Behind the slash comes 0, so that these are all paths that begin with the folder and a slash.
    const sql =
      'SELECT basename FROM manifests WHERE (path = ? OR (path > ? AND path < ?)) AND basename <> ? ORDER BY basename LIMIT 1';
    const [row] = this.rows<{ basename: string }>(sql, folder, `${folder}/`, `${folder}0`, except);
    return row?.basename ?? null;
  }

  /** Every path that another basename names. */
  pathsOfOthers(basename: string): { path: string; basename: string }[] {
    return this.rows('SELECT DISTINCT path, basename FROM manifests WHERE basename <> ?', basename);
  }

  createdFolders(): string[] {
    return this.rows<{ path: string }>('SELECT path FROM created_folders').map((row) => row.path);
  }

  saveRun(record: RunRecord): void {
    transaction(this.#database, () => {
      this.#run('INSERT OR REPLACE INTO runs VALUES (?, ?, ?)', record.id, record.startedAt, JSON.stringify(record));
      this.#run('DELETE FROM runs WHERE id NOT IN (SELECT id FROM runs ORDER BY at DESC, id DESC LIMIT ?)', KEPT_RUNS);
      if (record.command === 'sync' && record.exit === 0) this.setMeta('last-sync', record.finishedAt);
    });
  }

  queueReport(report: Report): void {
    transaction(this.#database, () => {
      this.#run('INSERT INTO outbox (body) VALUES (?)', JSON.stringify(report));
      this.#run('DELETE FROM outbox WHERE id NOT IN (SELECT id FROM outbox ORDER BY id DESC LIMIT ?)', KEPT_REPORTS);
    });
  }

  delivered(id: number): void {
    this.#run('DELETE FROM outbox WHERE id = ?', id);
  }

  setTold({ what, at }: { what: string; at: string }): void {
    this.setMeta('told', `${what} ${at}`);
  }

  setMeta(key: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO meta VALUES (?, ?)', key, value);
  }

  #insertManifest(basename: string, editionId: number, entries: readonly ManifestEntry[]): void {
    const insert = this.#database.prepare('INSERT OR REPLACE INTO manifests VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (const { path, type, mode, size, target } of entries)
      insert.run(basename, editionId, path, type, mode, size, target);
  }

  #saveReceipt(receipt: Receipt): void {
    this.#run('INSERT OR REPLACE INTO receipts VALUES (?, ?)', receipt.basename, JSON.stringify(receipt));
  }

  #dropRecord(basename: string): void {
    this.#run('DELETE FROM receipts WHERE basename = ?', basename);
    this.#run('DELETE FROM manifests WHERE basename = ?', basename);
    this.#run('DELETE FROM waits WHERE basename = ?', basename);
  }

  #dropFolders(folders: readonly string[]): void {
    for (const folder of folders) this.#run('DELETE FROM created_folders WHERE path = ?', folder);
  }

  #run(sql: string, ...values: (string | number)[]) {
    return sound(() => this.#database.prepare(sql).run(...values));
  }
}
