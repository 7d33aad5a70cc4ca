import { type D3Error, throwProblems } from '@d3/sdk';
import {
  attributeConflicts,
  DEFAULT_ATTRIBUTES,
  type ReadAttributes,
  readAttributes,
  type TypedAttributes,
} from '../catalog/attributes.ts';
import { editionString } from '../catalog/names.ts';
import type { Edition, EditionAttributes } from '../catalog/types.ts';
import type { EditionChanges } from '../depot/index.ts';
import { takenNames } from './add.ts';
import { namesKnown, pinScripts, riskOf } from './attributes.ts';
import { type AdminSession, announce, publish } from './session.ts';
import { editionMeant } from './targets.ts';

export interface Edited {
  edition: Edition;
  /** Names of what changed; empty when everything was so already. */
  changed: string[];
  warnings: string[];
}

/** An edition as it would be after an edit. */
export interface EditDraft {
  before: Edition;
  version: string;
  revision: number;
  attributes: EditionAttributes;
  filename: string;
  read: ReadAttributes;
  groupName: (id: number) => string;
}

/** What an edit would make of an edition, and all that is wrong with it; nothing is written. */
export async function editDraftOf(
  before: Edition,
  typed: TypedAttributes,
  session: AdminSession,
): Promise<{ draft: EditDraft; problems: D3Error[] }> {
  const known = await namesKnown(session);
  const { read, problems } = readAttributes(typed, known);
  const { version = before.version, revision = before.revision } = read;
  const after = editionString(before.basename, version, revision);
  const attributes: EditionAttributes = { ...attributesOf(before), ...read.attributes };
  if (read.attributes.packageName === undefined)
    attributes.packageName = followed(before.packageName, before.edition, after);
  const filename = read.filename ?? followed(before.file.name, before.edition, after);
  const others = (await session.depot.store.editions.list()).filter((edition) => edition.id !== before.id);
  const groupName = (id: number) => known.groups.find((group) => group.id === id)?.name ?? `group ${id}`;
  problems.push(
    ...attributeConflicts(attributes, groupName),
    ...takenNames(after, attributes.packageName, filename, others),
  );
  return { draft: { before, version, revision, attributes, filename, read, groupName }, problems };
}

/** Changes the given attributes of an edition, all or none. Everything else stays. */
export async function editEdition(target: string, typed: TypedAttributes, session: AdminSession): Promise<Edited> {
  const before = await editionMeant(target, session);
  const { draft, problems } = await editDraftOf(before, typed, session);
  throwProblems(problems);
  const { read, attributes, version, revision, filename } = draft;

  const scripts = await pinScripts(before.basename, read.scripts, session);
  let edition: Edition;
  let changed: string[];
  try {
    const wanted: EditionChanges = {
      ...read.attributes,
      ...scripts.pins,
      packageName: attributes.packageName,
      version,
      revision,
      file: { ...before.file, name: filename },
    };
    const changes = differing(wanted, before);
    changed = Object.keys(changes);
    if (changed.length === 0) {
      await scripts.undo();
      return { edition: before, changed, warnings: [] };
    }
    edition = await session.depot.store.editions.update(before.id, changes, session.admin);
  } catch (error) {
    await scripts.undo();
    throw error;
  }
  await publish(session);
  await announce('d3:edition:edited', edition, session);
  return { edition, changed, warnings: riskOf(edition, session.clock.now()) };
}

function attributesOf(edition: Edition): EditionAttributes {
  return Object.fromEntries(
    ['packageName', ...Object.keys(DEFAULT_ATTRIBUTES)].map((key) => [key, edition[key as keyof Edition]]),
  ) as unknown as EditionAttributes;
}

/** A name made from the edition follows it when the edition changes. */
function followed(name: string, before: string, after: string): string {
  return before === after ? name : name.replace(before, after);
}

function differing(wanted: EditionChanges, before: Edition): EditionChanges {
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => JSON.stringify(value ?? null) !== JSON.stringify(before[key as keyof Edition] ?? null),
    ),
  );
}
