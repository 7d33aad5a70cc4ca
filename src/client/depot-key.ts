import { D3Error } from '@d3/sdk';
import { refuseUntrusted } from '../config/load.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { readPlainFile } from '../platform/plain-file.ts';
import { replaceFile } from '../platform/replace-file.ts';

const SCHEMA = 'd3/depot-key@1';
const MAX_BYTES = 16_384;

/** What opens a served depot to this machine. */
export interface DepotKey {
  /** Address of the depot. */
  depot: string;
  key: string;
  /** `asked`: whether the depot takes it is not known yet. */
  state: 'asked' | 'enrolled';
}

/** @returns null where this machine is enrolled nowhere, or this user may not read it */
export function readDepotKey(paths: MachinePaths): DepotKey | null {
  const key = keptKey(paths, paths.depotKey);
  return key?.state === 'enrolled' ? key : null;
}

/** The key of a request whose answer is not known yet. */
export function askedKey(paths: MachinePaths): DepotKey | null {
  return keptKey(paths, askedFile(paths));
}

function keptKey({ root }: MachinePaths, file: string): DepotKey | null {
  let text: string;
  try {
    text = readPlainFile(file, MAX_BYTES).toString('utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOTDIR') return null;
    throw error;
  }
  refuseUntrusted(file, root, { secret: true });
  try {
    const { schema, depot, key, state } = JSON.parse(text);
    if (schema === SCHEMA && URL.canParse(depot) && typeof key === 'string' && ['asked', 'enrolled'].includes(state))
      return { depot, key, state };
  } catch {
    // Said below.
  }
  throw new D3Error('DEPOT_KEY_UNREADABLE', 'failed', 'The key of this machine cannot be read.', {
    target: file,
    actions: ['enrol again: d3 enroll URL --code CODE'],
  });
}

/** Keeps a key until it is known whether the depot takes it; the one in force stays in force. */
export function keepAsked(paths: MachinePaths, key: Omit<DepotKey, 'state'>): void {
  replaceFile(askedFile(paths), text({ ...key, state: 'asked' }), 0o600);
}

/** From now on it is the key of this machine. */
export function keepEnrolled(paths: MachinePaths, key: Omit<DepotKey, 'state'>): void {
  replaceFile(paths.depotKey, text({ ...key, state: 'enrolled' }), 0o600);
}

function askedFile({ depotKey }: MachinePaths): string {
  return `${depotKey}.asked`;
}

function text(key: DepotKey): string {
  return `${JSON.stringify({ schema: SCHEMA, ...key })}\n`;
}
