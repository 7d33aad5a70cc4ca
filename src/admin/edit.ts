import { attributeConflicts, readAttributes, type TypedAttributes } from '../catalog/attributes.ts';
import { editionString } from '../catalog/names.ts';
import type { Edition, EditionAttributes } from '../catalog/types.ts';
import type { EditionChanges } from '../depot/index.ts';
import { takenNames } from './add.ts';
import { namesKnown, pinScripts, riskOf } from './attributes.ts';
import { throwProblems } from './problems.ts';
import { type AdminSession, publish } from './session.ts';
import { editionMeant } from './targets.ts';

export interface Edited {
  edition: Edition;
  /** Names of what changed; empty when everything was so already. */
  changed: string[];
  warnings: string[];
}

/** Changes the given attributes of an edition, all or none. Everything else stays. */
export async function editEdition(target: string, typed: TypedAttributes, session: AdminSession): Promise<Edited> {
  const before = await editionMeant(target, session);
  const known = await namesKnown(session);
  const { read, problems } = readAttributes(typed, known);
  const after = editionString(before.basename, read.version ?? before.version, read.revision ?? before.revision);
  const attributes: EditionAttributes = { ...before, ...read.attributes };
  if (read.attributes.packageName === undefined)
    attributes.packageName = followed(before.packageName, before.edition, after);
  const filename = read.filename ?? followed(before.file.name, before.edition, after);
  const others = (await session.depot.store.editions.list()).filter((edition) => edition.id !== before.id);
  const groupName = (id: number) => known.groups.find((group) => group.id === id)?.name ?? `group ${id}`;
  problems.push(
    ...attributeConflicts(attributes, groupName),
    ...takenNames(after, attributes.packageName, filename, others),
  );
  throwProblems(problems);

  const scripts = await pinScripts(before.basename, read.scripts, session);
  let edition: Edition;
  let changed: string[];
  try {
    const wanted: EditionChanges = {
      ...read.attributes,
      ...scripts.pins,
      packageName: attributes.packageName,
      version: read.version ?? before.version,
      revision: read.revision ?? before.revision,
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
  return { edition, changed, warnings: riskOf(edition) };
}

/** A name made from the edition follows it when the edition changes. */
function followed(name: string, before: string, after: string): string {
  return before === after ? name : name.replace(before, after);
}

function differing(wanted: EditionChanges, before: Edition): EditionChanges {
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof Edition]),
    ),
  );
}
