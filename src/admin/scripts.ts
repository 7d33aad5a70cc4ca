import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { D3Error, throwProblems } from '@d3/sdk';
import { SCRIPT_SLOTS } from '../catalog/attributes.ts';
import { SLOT_NAMES } from '../catalog/slots.ts';
import type { ScriptPin, ScriptSlot, Status } from '../catalog/types.ts';
import type { ScriptBody } from '../depot/contract.ts';
import type { StoredDocument } from '../depot/index.ts';
import { NotPlain, readPlainFile } from '../platform/plain-file.ts';
import { documentMeant, refuseInUse, savedIfOther } from './documents.ts';
import { type AdminSession, publish } from './session.ts';
import { archivedEditions, type KnownEdition } from './show.ts';
import { editionMeant } from './targets.ts';
import { policiesRunning } from './users.ts';

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
  refuseNumber(name, '--name NAME');
  const { depot, admin } = session;
  const content = readScript(path);
  const { sha256, size } = await depot.blobs.put(content);
  const body: ScriptBody = { schema: 'd3/script@1', sha256, size, description };
  return createdOrGone(() => depot.store.documents('script').create(name, body, admin), content, session);
}

export async function listScripts({ depot }: AdminSession): Promise<StoredScript[]> {
  return depot.store.documents('script').list();
}

/** One place where an edition runs a script. */
export interface ScriptUse {
  id: number;
  edition: string;
  status: Status;
  slot: ScriptSlot;
  /** Whether it runs the script as it is now; an edition keeps the content it was given. */
  current: boolean;
  /** Of the content it runs. */
  sha256: string;
}

export interface ShownScript {
  script: StoredScript;
  /** Its text; null when it is no UTF-8. */
  content: string | null;
  usedBy: ScriptUse[];
}

export async function showScript(nameOrId: string, session: AdminSession): Promise<ShownScript> {
  return shownScript(await scriptMeant(nameOrId, session), session);
}

/** What editing a script would do. */
export interface ScriptEdit {
  before: StoredScript;
  name: string;
  description: string;
  /** Null: its content stays. */
  content: Buffer | null;
  /** Where it is used and would be run with the new content. */
  repinned: ScriptUse[];
  /** Where it is used and would stay as it is. */
  left: ScriptUse[];
}

export interface ScriptChanges {
  name?: string | undefined;
  description?: string | undefined;
  /** Path of its new content. */
  file?: string | undefined;
  /** Editions that are to run it as it is then, though they are there already. */
  applyTo: readonly string[];
}

/** @throws D3Errors every problem at once; refused `SCRIPT_NOT_USED` for an edition that does not run it */
export async function proposeScriptEdit(
  nameOrId: string,
  changes: ScriptChanges,
  session: AdminSession,
): Promise<ScriptEdit> {
  const before = await scriptMeant(nameOrId, session);
  const { name = before.name, description = before.body.description, file } = changes;
  if (changes.name !== undefined) refuseNumber(name, '--name NAME');
  const content = file === undefined ? null : readScript(file);
  const uses = scriptUses(before, await session.depot.store.editions.list());
  const meant: number[] = [];
  const problems: D3Error[] = [];
  for (const target of changes.applyTo) {
    try {
      const { id, edition } = await editionMeant(target, session);
      if (uses.some((use) => use.id === id)) meant.push(id);
      else problems.push(notUsed(before.name, edition));
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      problems.push(error);
    }
  }
  throwProblems(problems);
  const asNow = content === null ? uses.filter(({ current }) => !current) : uses;
  const repinned = asNow.filter(({ id }) => meant.includes(id));
  return { before, name, description, content, repinned, left: asNow.filter(({ id }) => !meant.includes(id)) };
}

/** Carries an edit out. The script comes first: a cut in between leaves editions as they were, and repeating it goes on. */
export async function editScript(edit: ScriptEdit, session: AdminSession): Promise<ShownScript> {
  const { before, name, description, content, repinned } = edit;
  const { depot, admin } = session;
  const stored = content === null ? before.body : await depot.blobs.put(content);
  const body: ScriptBody = { schema: 'd3/script@1', sha256: stored.sha256, size: stored.size, description };
  let script: StoredScript;
  try {
    const saved = await savedIfOther(before, { name, body }, depot.store.documents('script'), session);
    script = saved ?? before;
  } catch (error) {
    await session.depot.removeUnused([stored.sha256]);
    throw error;
  }
  const pin: ScriptPin = { id: script.id, name, sha256: body.sha256, size: body.size };
  for (const id of new Set(repinned.map((use) => use.id))) {
    const slots = repinned.filter((use) => use.id === id).map(({ slot }) => [slot, pin] as const);
    await depot.store.editions.update(id, Object.fromEntries(slots), admin);
  }
  if (repinned.length > 0) await publish(session);
  await session.depot.removeUnused([before.body.sha256, ...repinned.map(({ sha256 }) => sha256)]);
  return shownScript(script, session);
}

/** What {@link deleteScript} would delete. @throws D3Error refused `IN_USE` with the editions, archived ones too, and policies that run it */
export async function scriptToDelete(nameOrId: string, session: AdminSession): Promise<StoredScript> {
  const found = await scriptMeant(nameOrId, session);
  const users = [
    ...scriptUses(found, await everyEdition(session)).map(useWords),
    ...(await policiesRunning(found.id, session)).map((policy) => `the policy ${policy}`),
  ];
  const next = 'give those another one, or none: d3admin edit EDITION -e none; bring archived ones back for that first';
  refuseInUse('script', found.name, users, next);
  return found;
}

export async function deleteScript({ id, generation, body }: StoredScript, session: AdminSession): Promise<void> {
  await session.depot.store.documents('script').remove(id, generation, session.admin);
  await session.depot.removeUnused([body.sha256]);
}

/** Archived ones too: what they run must be there when they are brought back. */
async function everyEdition({ depot }: AdminSession): Promise<KnownEdition[]> {
  return [...(await depot.store.editions.list()), ...(await archivedEditions(depot))];
}

/** Where editions run a script, whatever it was when they were given it. */
function scriptUses({ id, body }: StoredScript, editions: readonly KnownEdition[]): ScriptUse[] {
  return editions.flatMap((edition) =>
    SCRIPT_SLOTS.flatMap((slot) => {
      const pin = edition[slot];
      if (pin === null || pin.id !== id) return [];
      const { sha256 } = pin;
      const current = sha256 === body.sha256;
      return [{ id: edition.id, edition: edition.edition, status: edition.status, slot, current, sha256 }];
    }),
  );
}

function useWords({ edition, status, slot }: ScriptUse): string {
  return `${edition} (${status}, ${SLOT_NAMES[slot]})`;
}

async function scriptMeant(nameOrId: string, { depot }: AdminSession): Promise<StoredScript> {
  return documentMeant('script', nameOrId, depot.store.documents('script'));
}

async function shownScript(script: StoredScript, session: AdminSession): Promise<ShownScript> {
  const bytes = await session.depot.blobs.read(script.body.sha256);
  const usedBy = scriptUses(script, await everyEdition(session));
  return { script, content: isUtf8(bytes) ? bytes.toString('utf8') : null, usedBy };
}

function notUsed(script: string, edition: string): D3Error {
  return new D3Error('SCRIPT_NOT_USED', 'refused', `${edition} does not run the script ${script}.`, {
    target: edition,
    actions: [`see where it is used: d3admin script show "${script}"`],
  });
}

function refuseNumber(name: string, flag: string): void {
  if (!/^\d+$/.test(name)) return;
  throw new D3Error('SCRIPT_NAME', 'usage', `A script cannot be called "${name}": a number stands for an id.`, {
    target: name,
    actions: [`give it another name: ${flag}`],
  });
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
      await session.depot.removeUnused([sha256]);
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
    await session.depot.removeUnused([sha256]);
    throw error;
  }
}
