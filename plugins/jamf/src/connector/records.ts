import { D3Error } from '@d3/sdk';
import type { CallName } from './calls.ts';
import type { Caller, Connected } from './connection.ts';
import { type Made, madeOnce } from './once.ts';
import { quoted, readAll } from './pages.ts';

/** What Jamf has; what d3 does not know of stays in it. */
export interface JamfRecord {
  id: string;
  name: string;
  [field: string]: unknown;
}

export interface JamfScript extends JamfRecord {
  info?: string | null;
  notes?: string | null;
  priority?: 'BEFORE' | 'AFTER' | 'AT_REBOOT';
  categoryId?: string;
  categoryName?: string;
  osRequirements?: string | null;
  scriptContents?: string | null;
}

interface JamfCategory extends JamfRecord {
  priority: number;
}

/** A definition of an extension attribute of computers. */
export interface JamfAttribute extends JamfRecord {
  dataType: 'STRING' | 'INTEGER' | 'DATE';
  description?: string | null;
  enabled?: boolean;
  inputType: 'SCRIPT' | 'TEXT' | 'POPUP' | 'DIRECTORY_SERVICE_ATTRIBUTE_MAPPING';
  inventoryDisplayType: string;
  popupMenuChoices?: string[];
  scriptContents?: string | null;
}

/** Kinds of records with the same five calls. */
export interface Records {
  script: JamfScript;
  category: JamfCategory;
  building: JamfRecord;
  department: JamfRecord;
  attribute: JamfAttribute;
}

export type RecordKind = keyof Records;

interface RecordCalls {
  list: CallName;
  get: CallName;
  create: CallName;
  replace: CallName;
  delete: CallName;
}

const CALLS_OF: Readonly<Record<RecordKind, RecordCalls>> = {
  script: { list: 'scripts', get: 'script', create: 'createScript', replace: 'replaceScript', delete: 'deleteScript' },
  category: {
    list: 'categories',
    get: 'category',
    create: 'createCategory',
    replace: 'replaceCategory',
    delete: 'deleteCategory',
  },
  building: {
    list: 'buildings',
    get: 'building',
    create: 'createBuilding',
    replace: 'replaceBuilding',
    delete: 'deleteBuilding',
  },
  department: {
    list: 'departments',
    get: 'department',
    create: 'createDepartment',
    replace: 'replaceDepartment',
    delete: 'deleteDepartment',
  },
  attribute: {
    list: 'attributes',
    get: 'attribute',
    create: 'createAttribute',
    replace: 'replaceAttribute',
    delete: 'deleteAttribute',
  },
};

/** Every record of a kind, whole. */
export async function listRecords<Kind extends RecordKind>(caller: Caller, kind: Kind): Promise<Records[Kind][]> {
  return readAll<Records[Kind]>(caller, CALLS_OF[kind].list);
}

/** @throws D3Error notFound (34) */
export async function getRecord<Kind extends RecordKind>(
  caller: Caller,
  kind: Kind,
  id: string,
): Promise<Records[Kind]> {
  return (await caller.call(CALLS_OF[kind].get, { params: { id } })) as Records[Kind];
}

/** The record of that very name; null where there is none. */
export async function findRecord<Kind extends RecordKind>(
  caller: Caller,
  kind: Kind,
  name: string,
): Promise<Records[Kind] | null> {
  const rows = await readAll<Records[Kind]>(caller, CALLS_OF[kind].list, [['filter', `name==${quoted(name)}`]]);
  // Servers compare without the case of letters.
  const found = rows.filter((one) => one.name === name);
  if (found.length > 1)
    throw new D3Error('JAMF_NAME_TWICE', 'refused', `${found.length} of kind ${kind} in Jamf Pro are called ${name}`, {
      target: name,
      actions: [`Rename all but one of ${found.map(({ id }) => id).join(', ')} in Jamf Pro.`],
    });
  return found[0] ?? null;
}

/** The record of that name; made when there is none, and never twice. What is there is left as it is. */
export async function ensureRecord<Kind extends RecordKind>(
  connection: Connected,
  kind: Kind,
  fields: Omit<Records[Kind], 'id'> & { name: string },
): Promise<Made> {
  return madeOnce(
    connection,
    CALLS_OF[kind].create,
    fields,
    async (caller) => (await findRecord(caller, kind, fields.name))?.id ?? null,
  );
}

/** Sets fields of a record; those not named stay as they are in Jamf, where a PUT drops what it does not bring. */
export async function changeRecord<Kind extends RecordKind>(
  connection: Connected,
  kind: Kind,
  id: string,
  changes: Partial<Records[Kind]>,
): Promise<void> {
  const { get, replace } = CALLS_OF[kind];
  await connection.sequence(async (caller) => {
    const { id: _, ...now } = (await caller.call(get, { params: { id } })) as Record<string, unknown>;
    // The name of a category would speak against the id it is changed to.
    if ('categoryId' in changes) delete now['categoryName'];
    await caller.call(replace, { params: { id }, json: { ...now, ...changes } });
  });
}

/** Deletes a record; one that is gone already is no failure. */
export async function deleteRecord(connection: Connected, kind: RecordKind, id: string): Promise<void> {
  await deleted(connection, CALLS_OF[kind].delete, id);
}

/** Deletes under an id; what is gone already is no failure. */
export async function deleted(connection: Connected, name: CallName, id: string): Promise<void> {
  try {
    await connection.sequence(async (caller) => caller.call(name, { params: { id } }));
  } catch (error) {
    if (!(error instanceof D3Error) || error.code !== 'JAMF_NOT_FOUND') throw error;
  }
}

/** Sites are only read: Jamf has no call that makes one. */
export async function listSites(caller: Caller): Promise<JamfRecord[]> {
  return ((await caller.call('sites')) ?? []) as JamfRecord[];
}
