import { createHash } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import type { ScriptPin } from '../catalog/types.ts';
import type { ScriptBody } from '../depot/contract.ts';
import type { StoredDocument } from '../depot/index.ts';
import { NotPlain, readPlainFile } from '../platform/plain-file.ts';
import { removeUnused } from './blobs.ts';
import type { AdminSession } from './session.ts';

export type StoredScript = StoredDocument<ScriptBody>;

export interface MadeScript {
  pin: ScriptPin;
  /** Null when the script was there before. */
  undo: (() => Promise<void>) | null;
}

/** Adds a script under a name of its own. @throws D3Error usage when it is a number, refused when it is taken */
export async function addScript(
  name: string,
  path: string,
  description: string,
  session: AdminSession,
): Promise<StoredScript> {
  if (/^\d+$/.test(name)) {
    throw new D3Error('SCRIPT_NAME', 'usage', `A script cannot be called "${name}": a number stands for an id.`, {
      target: name,
      actions: ['give it another name: --name NAME'],
    });
  }
  const { depot, admin } = session;
  const content = readScript(path);
  const { sha256, size } = await depot.blobs.put(content);
  const body: ScriptBody = { schema: 'd3/script@1', sha256, size, description };
  return createdOrGone(() => depot.store.documents('script').create(name, body, admin), content, session);
}

export async function listScripts({ depot }: AdminSession): Promise<StoredScript[]> {
  return depot.store.documents('script').list();
}

/**
 * Stores a script's content under a name made from `prefix`; content that is there under such a name already is used again.
 */
export async function storeScript(
  prefix: string,
  content: Buffer,
  description: string,
  session: AdminSession,
): Promise<MadeScript> {
  const { depot, admin } = session;
  const scripts = depot.store.documents('script');
  const { sha256, size } = await depot.blobs.put(content);
  const name = `${prefix}-${sha256.slice(0, 12)}`;
  const there = await scripts.byName(name);
  if (there !== null && there.body.sha256 === sha256)
    return { pin: { id: there.id, name: there.name, sha256, size }, undo: null };
  const body: ScriptBody = { schema: 'd3/script@1', sha256, size, description };
  const made = await createdOrGone(() => scripts.create(name, body, admin), content, session);
  return {
    pin: { id: made.id, name, sha256, size },
    undo: async () => {
      await scripts.remove(made.id, made.generation, admin);
      await removeUnused([sha256], session);
    },
  };
}

const MAX_SCRIPT_BYTES = 4 * 1024 * 1024;

/** @throws D3Error usage when the file is no script a machine could run */
export function readScript(path: string): Buffer {
  let content: Buffer;
  try {
    content = readPlainFile(path, MAX_SCRIPT_BYTES);
  } catch (error) {
    if (error instanceof NotPlain && error.tooLarge)
      throw new D3Error('SCRIPT_TOO_LARGE', 'usage', 'A script may have 4 MiB at most.', { target: path });
    throw new D3Error(
      'SCRIPT_UNREADABLE',
      'usage',
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `there is no file at ${path}`
        : `the script cannot be read: ${(error as Error).message}`,
      {
        target: path,
        cause: error,
      },
    );
  }
  if (content.subarray(0, 2).toString('latin1') === '#!') return content;
  throw new D3Error('SCRIPT_WITHOUT_INTERPRETER', 'usage', 'A script must begin with #! and its interpreter.', {
    target: path,
    actions: ['begin it with a line like #!/bin/sh'],
  });
}

/** A script that cannot be made leaves no content behind, and none is left without its content. */
async function createdOrGone(
  create: () => Promise<StoredScript>,
  content: Buffer,
  session: AdminSession,
): Promise<StoredScript> {
  const { depot, admin } = session;
  const sha256 = createHash('sha256').update(content).digest('hex');
  let made: StoredScript | null = null;
  try {
    made = await create();
    // Somebody may have deleted the last that had it between the two.
    if (!(await depot.blobs.has(sha256))) await depot.blobs.put(content);
    return made;
  } catch (error) {
    if (made !== null) await depot.store.documents('script').remove(made.id, made.generation, admin);
    await removeUnused([sha256], session);
    throw error;
  }
}
