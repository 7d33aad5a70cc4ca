import { lstatSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { makeFolder } from '../platform/make-folder.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { parseFile, refuseUntrusted } from './load.ts';

/** What one admin usually wants of `d3admin`; null is not said. */
export interface Preferences {
  /** Folder of the depot, an absolute path, or its address. */
  depot: string | null;
  /** Who this admin is, where the account is another's. */
  admin: string | null;
  /** Folder that packages are built in. */
  workspace: string | null;
  /** What identifiers of packages built here begin with. */
  pkgIdPrefix: string | null;
  /** The editor for descriptions, with its arguments. */
  editor: string | null;
  signingIdentity: string | null;
  signingOptions: string | null;
  /** The category of a basename's first edition. */
  category: string | null;
  /** The account a depot over the network is administered by; its secret is never here. */
  account: string | null;
  /** Where the secret of that account is, where no keychain has it. */
  credentials: { file: string } | { command: string[] } | null;
  /** When it was saved last, ISO 8601; null: never. */
  savedAt: string | null;
}

export const NO_PREFERENCES: Preferences = {
  depot: null,
  admin: null,
  workspace: null,
  pkgIdPrefix: null,
  editor: null,
  signingIdentity: null,
  signingOptions: null,
  category: null,
  account: null,
  credentials: null,
  savedAt: null,
};

const SCHEMA = 'd3/preferences@1';

/** @throws D3Error refused when others may change or read it, usage when it cannot be read, refused when a newer d3 wrote it */
export async function readPreferences(file: string): Promise<Preferences> {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return NO_PREFERENCES;
  refuseUntrusted(file, path.dirname(file), { secret: true });
  const document = (await parseFile(file)) as Record<string, unknown> | null;
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw invalid(file, 'it is no object');
  const { schema, ...said } = document;
  if (schema !== SCHEMA) {
    if (typeof schema === 'string' && /^d3\/preferences@\d+$/.test(schema)) {
      throw new D3Error('SCHEMA_NEWER', 'refused', `${file} has schema ${schema}; this d3 knows ${SCHEMA}.`, {
        target: file,
        actions: ['update d3 here; the file was left as it is'],
      });
    }
    throw invalid(file, `its schema is not ${SCHEMA}`);
  }
  const preferences: Preferences = { ...NO_PREFERENCES };
  for (const [name, value] of Object.entries(said)) {
    if (!(name in NO_PREFERENCES)) throw invalid(file, `${name} is nothing that can be said there`);
    const good =
      value === null || (name === 'credentials' ? isReference(value) : typeof value === 'string' && value !== '');
    if (!good) throw invalid(file, `${name} is not what it should be`);
    Object.assign(preferences, { [name]: value });
  }
  return preferences;
}

/** Writes them whole or not at all, for nobody else to read. */
export function writePreferences(file: string, preferences: Preferences): void {
  makeFolder(path.dirname(file), 0o700);
  const said = Object.entries(preferences).filter(([, value]) => value !== null);
  replaceFile(file, `${JSON.stringify({ schema: SCHEMA, ...Object.fromEntries(said) }, null, 2)}\n`, 0o600);
}

function isReference(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { file, command } = value as { file?: unknown; command?: unknown };
  if (file !== undefined) return typeof file === 'string' && path.isAbsolute(file);
  return Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === 'string');
}

function invalid(file: string, why: string): D3Error {
  return new D3Error('PREFERENCES_INVALID', 'usage', `Your preferences cannot be read: ${why}.`, {
    target: file,
    actions: ['mend the file, or remove it and begin again: d3admin config'],
  });
}
