import { D3Error } from '@d3/sdk';
import { basenameProblem } from '../catalog/names.ts';
import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { plainYaml } from '../config/plain-data.ts';
import { NO_EDITION, newReceipt, type Receipt } from '../planner/receipt.ts';
import type { Deferred } from '../planner/types.ts';
import { NotPlain, readPlainFile } from '../platform/plain-file.ts';

/** What the ancestor's files are read for. */
export interface Migrated {
  receipts: Receipt[];
  deferred: Deferred[];
  /** What could not be taken over, or not whole, in words. */
  notes: string[];
}

const MAX_BYTES = 16 * 1024 * 1024;
const NO_HASH = '0'.repeat(64);

/**
 * Reads `receipts.yaml` or `d3-pending-puppies.yaml` of the ancestor, as plain data: whatever objects it speaks of, none is made.
 * @param index the catalog, to find each edition again; null when there is none
 * @param at ISO 8601, for what has no time of its own
 * @throws D3Error verificationFailed (33) for a file that is not what the ancestor wrote, notFound (34)
 */
export async function readAncestor(file: string, index: CatalogIndex | null, at: string): Promise<Migrated> {
  const records = recordsIn(await parseYaml(textOf(file), file), file);
  const migrated: Migrated = { receipts: [], deferred: [], notes: [] };
  for (const [basename, fields] of records) take(basename, fields, index, at, migrated);
  return migrated;
}

function textOf(file: string): string {
  try {
    return readPlainFile(file, MAX_BYTES).toString('utf8');
  } catch (error) {
    if (error instanceof NotPlain) throw hostile(file, error.message, error);
    throw new D3Error('FILE_NOT_FOUND', 'notFound', `The file cannot be read: ${(error as Error).message}.`, {
      target: file,
      cause: error,
    });
  }
}

async function parseYaml(text: string, file: string): Promise<unknown> {
  try {
    return await plainYaml(text, { version: '1.1', maps: true, objects: 'ignored' });
  } catch (error) {
    throw hostile(file, (error as Error).message.split('\n')[0] ?? 'it cannot be read', error);
  }
}

/** Names of fields without the colon that Ruby's symbols have. */
type Fields = ReadonlyMap<string, unknown>;

function recordsIn(document: unknown, file: string): [string, Fields][] {
  if (document === null) return [];
  if (!(document instanceof Map)) throw hostile(file, 'it is no list of basenames');
  return [...document].map(([key, value]: [unknown, unknown]) => {
    if (typeof key !== 'string' || !(value instanceof Map))
      throw hostile(file, `${JSON.stringify(String(key)).slice(0, 80)} is no record`);
    const fields = [...value].map(([name, field]: [unknown, unknown]) => [plain(String(name)), field] as const);
    return [plain(key), new Map(fields)];
  });
}

function take(basename: string, fields: Fields, index: CatalogIndex | null, at: string, into: Migrated): void {
  const problem = basenameProblem(basename);
  if (problem !== null) {
    into.notes.push(`${JSON.stringify(basename.slice(0, 80))} was left out: no depot can have such a basename`);
    return;
  }
  const identity = identityOf(basename, fields);
  if (identity === null) {
    into.notes.push(`${basename}: its record has no version, revision or id, and was left out`);
    return;
  }
  const edition = index?.byEdition(identity.edition) ?? null;
  const isQueued = fields.has('queued_at');
  if (!isQueued) {
    into.receipts.push(receiptOf(identity, edition, fields, index, at));
    for (const script of ['pre_remove_script_id', 'post_remove_script_id'])
      if (fields.get(script) && edition === null)
        into.notes.push(
          `${identity.edition}: its ${script.replaceAll('_', ' ')} means nothing here; it is removed without`,
        );
    if (edition === null && index !== null) into.notes.push(`${identity.edition} is not in the depot`);
    return;
  }
  if (edition === null) into.notes.push(`${identity.edition} waits for a restart, but is not in the depot: left out`);
  else into.deferred.push(deferredOf(edition, fields, at));
}

interface Identity {
  id: number;
  basename: string;
  version: string;
  revision: number;
  edition: string;
}

function identityOf(basename: string, fields: Fields): Identity | null {
  const version = text(fields, 'version');
  const revision = whole(fields, 'revision');
  const id = whole(fields, 'id');
  if (version === null || revision === null || id === null) return null;
  return { id, basename, version, revision, edition: `${basename}-${version}-${revision}` };
}

function receiptOf(
  identity: Identity,
  edition: Edition | null,
  fields: Fields,
  index: CatalogIndex | null,
  at: string,
): Receipt {
  const admin = text(fields, 'admin') ?? 'unknown';
  const piloting = plain(text(fields, 'status') ?? '') === 'pilot';
  const parts = {
    admin,
    at: time(fields, 'installed_at') ?? at,
    piloting,
    displacedLive: piloting && index?.liveOf(identity.basename) !== undefined,
    manual: fields.get('manually_installed') !== false && admin !== 'auto-installed',
    freeze: false,
    customExpiration: whole(fields, 'custom_expiration'),
  };
  const frozen = fields.get('frozen') === true ? { by: admin, at } : null;
  if (edition !== null) return { ...newReceipt(edition, parts), frozen };
  const name = (text(fields, 'jamf_rcpt_file') ?? `${identity.edition}.pkg`).split('/').at(-1) as string;
  const format = plain(text(fields, 'package_type') ?? '') === 'dmg' ? 'dmg' : 'pkg';
  return {
    schema: 'd3/receipt@1',
    ...identity,
    // Jamf counted by itself: its number may be another edition's in this depot.
    id: NO_EDITION,
    admin,
    installedAt: parts.at,
    piloting,
    displacedLive: parts.displacedLive,
    manual: parts.manual,
    frozen,
    customExpiration: parts.customExpiration,
    expiration: parts.customExpiration ?? whole(fields, 'expiration') ?? 0,
    expirationPaths: texts(fields, 'expiration_paths', 'expiration_path'),
    removable: fields.get('removable') !== false,
    prohibitingProcesses: texts(fields, 'prohibiting_processes', 'prohibiting_process'),
    preRemove: null,
    postRemove: null,
    file: { name, sha256: NO_HASH, size: 0, format },
    applePackageIds: texts(fields, 'apple_pkg_ids'),
  };
}

function deferredOf(edition: Edition, fields: Fields, at: string): Deferred {
  const admin = text(fields, 'admin') ?? 'unknown';
  const piloting = edition.status === 'pilot';
  return {
    schema: 'd3/deferred@1',
    mode: admin === 'auto-installed' ? 'auto-install' : piloting ? 'pilot' : 'install',
    edition,
    piloting,
    displacedLive: false,
    admin,
    manual: admin !== 'auto-installed',
    customExpiration: whole(fields, 'custom_expiration'),
    freeze: false,
    force: fields.get('force') === true,
    queuedAt: time(fields, 'queued_at') ?? at,
  };
}

/** Ruby writes symbols with a colon before them. */
function plain(word: string): string {
  return word.replace(/^:/, '');
}

function text(fields: Fields, name: string): string | null {
  const value = fields.get(name);
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' && !/\p{Cc}/u.test(value) && value.length <= 1000 ? value : null;
}

function texts(fields: Fields, ...names: string[]): string[] {
  const value = names.map((name) => fields.get(name)).find((found) => found !== undefined && found !== null);
  const list = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === 'string' && item !== '' && !/\p{Cc}/u.test(item));
}

function whole(fields: Fields, name: string): number | null {
  const value = fields.get(name);
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
}

/** As YAML reads it, or as Ruby writes it: `2016-03-02 10:11:12.000000000 -08:00`. */
function time(fields: Fields, name: string): string | null {
  const value = fields.get(name);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  const [, day, clock, zone] =
    /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(String(value)) ?? [];
  if (day === undefined) return null;
  const parsed = new Date(`${day}T${clock}${zone ?? 'Z'}`);
  return Number.isNaN(parsed.getTime()) ? null : parsed.toISOString();
}

function hostile(file: string, why: string, cause?: unknown): D3Error {
  return new D3Error('ANCESTOR_FILE', 'verificationFailed', `The file is not what d3 3 wrote: ${why}.`, {
    target: file,
    actions: ['nothing of it was taken over'],
    cause,
  });
}
