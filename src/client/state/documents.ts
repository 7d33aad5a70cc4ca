import { D3Error } from '@d3/sdk';
import { stateDamaged } from './damage.ts';

/** Of every document in the state. */
const VERSION = 1;

/** A row as SQLite gives it. */
type Row = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

/** What every record of a kind has; one without was hit by damage, and whoever reads it would stumble. */
const SHAPES: Readonly<Record<string, (fields: Fields) => boolean>> = {
  receipt: isReceipt,
  deferred: ({ edition, queuedAt }) => isEdition(edition) && typeof queuedAt === 'string',
  run: ({ id, command, startedAt, finishedAt, facts, plan, outcomes }) =>
    [id, command, startedAt, finishedAt].every((text) => typeof text === 'string') &&
    isFields(facts) &&
    isFields(plan) &&
    Array.isArray(plan['decisions']) &&
    isListOf(outcomes, isFields),
};

function isReceipt({ id, basename, edition, version, file, expirationPaths, prohibitingProcesses }: Fields): boolean {
  return (
    Number.isSafeInteger(id) &&
    [basename, edition, version].every((text) => typeof text === 'string') &&
    isFields(file) &&
    isListOf(expirationPaths, isText) &&
    isListOf(prohibitingProcesses, isText)
  );
}

function isEdition(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { id, basename, edition, file } = value;
  return Number.isSafeInteger(id) && isText(basename) && isText(edition) && isFields(file);
}

/** All that says where it goes. */
function isReport(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { run, at, computer } = value;
  return isText(run) && !Number.isNaN(Date.parse(String(at))) && isFields(computer) && isText(computer['id']);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isListOf(value: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is);
}

/**
 * A document of a kind as this d3 writes it.
 * @throws D3Error failed `SCHEMA_NEWER` for one that a newer d3 wrote, `STATE_DAMAGED` for what is none
 */
export function document<Body extends { schema: string }>(body: unknown, kind: string): Body {
  const value = parsed<Body>(body);
  const schema: unknown = isFields(value) ? value['schema'] : undefined;
  const [, found, version] = /^d3\/([a-z]+)@(\d+)$/.exec(typeof schema === 'string' ? schema : '') ?? [];
  if (found !== kind || Number(version) < 1) throw stateDamaged(`a record in it is no ${kind}`);
  if (Number(version) === VERSION) {
    if (SHAPES[kind]?.(value) === false) throw stateDamaged(`a ${kind} in it is not whole`);
    return value;
  }
  const text = `This machine's state has a ${kind} of format ${version}, this d3 knows ${VERSION}.`;
  throw new D3Error('SCHEMA_NEWER', 'failed', text, {
    target: 'state.db',
    actions: ['use the newer d3 that wrote it; it was left untouched'],
  });
}

/** @throws D3Error `STATE_DAMAGED` for what is no JSON */
export function parsed<Value>(body: unknown): Value {
  try {
    return JSON.parse(body as string) as Value;
  } catch (error) {
    throw stateDamaged('a record in it cannot be read', error);
  }
}

/** The action of a journal row. @throws D3Error `STATE_DAMAGED` */
export function journalled<Action>(body: unknown): Action {
  const action = parsed<unknown>(body);
  const { kind, edition, replaces, receipt }: Fields = isFields(action) ? action : {};
  const whole =
    kind === 'install'
      ? isEdition(edition) && (replaces === null || (isFields(replaces) && isReceipt(replaces)))
      : kind === 'uninstall' && isFields(receipt) && isReceipt(receipt);
  if (!whole) throw stateDamaged('an action in its journal is not whole');
  return action as Action;
}

/** The names of processes a basename waits for. @throws D3Error `STATE_DAMAGED` */
export function processNames(processes: unknown): string[] {
  const names = parsed<unknown>(processes);
  if (!isListOf(names, isText)) throw stateDamaged('what waits for processes cannot be read');
  return names as string[];
}

/** How each table's rows are read, by whoever uses, examines or saves them. */
const READERS: Readonly<Record<string, (row: Row) => unknown>> = {
  receipts: ({ basename, body }) =>
    belongsTo(basename, document<{ schema: string; basename: string }>(body, 'receipt')),
  deferred: ({ basename, body }) =>
    belongsTo(basename, document<{ schema: string; edition: { basename: string } }>(body, 'deferred').edition),
  waits: ({ processes }) => processNames(processes),
  actions: ({ body }) => journalled(body),
  runs: ({ body }) => document(body, 'run'),
  plugin_state: ({ value }) => parsed(value),
  outbox: ({ body }) => {
    if (!isReport(parsed<unknown>(body))) throw stateDamaged('a report in it is not whole');
  },
};

function belongsTo(basename: unknown, named: { basename: string }): void {
  if (named.basename !== basename) throw stateDamaged(`what it has on record for ${String(basename)} is of another`);
}

/** What every run has to be able to read. A record of a run that cannot be read counts as absent and needs no mending. */
export const EXAMINED: readonly string[] = Object.keys(READERS).filter((table) => table !== 'runs');

/** Reads a row as those who use it do. @throws D3Error `STATE_DAMAGED`, `SCHEMA_NEWER` */
export function readRow(table: string, row: Row): void {
  READERS[table]?.(row);
}
