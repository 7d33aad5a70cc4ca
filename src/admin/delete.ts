import { D3Error } from '@d3/sdk';
import type { Edition, ScriptPin } from '../catalog/types.ts';
import { blobsOf, type DeletedEdition } from '../depot/index.ts';
import { type AdminSession, announce, mayDelete, publish } from './session.ts';
import { policiesUsing, scriptUsers } from './users.ts';

export interface DeleteOptions {
  /** Keep its record, to be seen with `d3admin show archived` and brought back with `d3admin restore`. */
  archive?: boolean;
  /** Keep the file of what is archived too. */
  keepFile?: boolean;
  /** Delete its scripts too, those that nothing else uses. */
  deleteScripts?: boolean;
  /** Whoever mirrors editions elsewhere, in Jamf for one, is to leave the package there. */
  keepInJss?: boolean;
}

/** Something that could have gone with an edition, and why it stays. */
interface Kept {
  what: 'file' | 'script' | 'record' | 'jss';
  name: string;
  why: string;
}

export interface Deleted {
  edition: Edition;
  archived: boolean;
  /** Whether the package file is gone too: it stays while another edition has the same one. */
  fileRemoved: boolean;
  /** Names of the scripts that went with it. */
  scriptsRemoved: string[];
  kept: Kept[];
}

/**
 * Takes an edition out of the depot. Machines keep what they have installed. The record goes first, so that a cut at any
 * point leaves nothing that could be installed and is not there; what else would stay then, `d3admin doctor` finds.
 * @throws D3Error refused `USED_BY_POLICIES`, `DELETE_REFUSED` by a plugin, `DELETE_CONFLICT`
 */
export async function deleteEdition(edition: Edition, options: DeleteOptions, session: AdminSession): Promise<Deleted> {
  const { archive = false, keepFile = false, deleteScripts = false, keepInJss = false } = options;
  const users = await policiesUsing(edition, session);
  if (users.length > 0) throw used(edition, users);
  await mayDelete(edition, keepInJss, session);
  const { status } = edition;
  // That its file is missing is no status of the store's.
  const expected = status === 'missing' ? {} : { expected: status };
  await session.depot.store.editions.delete(edition.id, session.admin, { archive, keepFile, ...expected });
  await publish(session);
  await announce('d3:edition:deleted', edition, session, { keepInJss });
  const scripts = await dropScripts(edition, deleteScripts, session);
  const removed = await session.depot.removeUnused(blobsOf(edition));
  const fileRemoved = removed.includes(edition.file.sha256);
  const kept: Kept[] = [...scripts.kept];
  if (!fileRemoved && edition.status !== 'missing') {
    const why = archive && keepFile ? 'it is archived with its file' : 'another edition has the same one';
    kept.unshift({ what: 'file', name: edition.file.name, why });
  }
  if (archive) kept.push({ what: 'record', name: edition.edition, why: 'it is archived' });
  if (keepInJss) kept.push({ what: 'jss', name: edition.packageName, why: 'whoever mirrors it was told to leave it' });
  return { edition, archived: archive, fileRemoved, scriptsRemoved: scripts.removed, kept };
}

/** The scripts of an edition, each with who else uses it. */
async function scriptsAfter(
  edition: Edition,
  session: AdminSession,
): Promise<{ script: ScriptPin; users: string[] }[]> {
  const users = await scriptUsers(session);
  return scriptsOf(edition).map((script) => ({
    script,
    users: (users.get(script.id) ?? []).filter((user) => user !== edition.edition),
  }));
}

function scriptsOf({ preInstall, postInstall, preRemove, postRemove }: Edition): ScriptPin[] {
  const pins = [preInstall, postInstall, preRemove, postRemove].filter((pin) => pin !== null);
  return [...new Map(pins.map((pin) => [pin.id, pin])).values()];
}

async function dropScripts(
  edition: Edition,
  wanted: boolean,
  session: AdminSession,
): Promise<{ removed: string[]; kept: Kept[] }> {
  const documents = session.depot.store.documents('script');
  const removed: string[] = [];
  const kept: Kept[] = [];
  for (const { script, users } of await scriptsAfter(edition, session)) {
    const stored = await documents.get(script.id);
    if (stored === null) continue;
    if (users.length > 0) kept.push({ what: 'script', name: stored.name, why: `${users.join(', ')} has it too` });
    else if (!wanted) kept.push({ what: 'script', name: stored.name, why: 'scripts stay without --delete-scripts' });
    else {
      try {
        await documents.remove(stored.id, stored.generation, session.admin);
        await session.depot.removeUnused([stored.body.sha256]);
        removed.push(stored.name);
      } catch (error) {
        // Somebody else may be at the same script.
        if (!(error instanceof D3Error)) throw error;
        kept.push({ what: 'script', name: stored.name, why: error.message });
      }
    }
  }
  return { removed, kept };
}

/**
 * Brings an archived edition back under its id, never live.
 * @param named the edition, or its id
 * @param source its package file, where the archive does not have it; it must be the very same
 */
export async function restoreEdition(
  named: string,
  source: string | undefined,
  session: AdminSession,
): Promise<Edition> {
  const { depot, admin } = session;
  const meant = await archivedMeant(named, session);
  const { sha256 } = meant.file;
  const added: string[] = [];
  try {
    if (source !== undefined) {
      const stored = await depot.blobs.put(source);
      added.push(stored.sha256);
      if (stored.sha256 !== sha256) {
        const text = `${source} is another file than ${meant.edition} had: its SHA-256 is ${stored.sha256}, not ${sha256}`;
        throw new D3Error('RESTORE_OTHER_FILE', 'verificationFailed', `${text}.`, {
          target: source,
          actions: [`to add it as a new edition: d3admin add ${meant.basename} -i ${meant.edition} -s ${source}`],
        });
      }
    } else if (!(await depot.blobs.has(sha256))) {
      throw new D3Error('RESTORE_WITHOUT_FILE', 'notFound', `${meant.edition} was archived without its file.`, {
        target: meant.edition,
        actions: [`give it: d3admin restore ${meant.edition} -s FILE, whose SHA-256 is ${sha256}`],
      });
    }
    const missing = await missingScripts(meant, session);
    if (missing.length > 0) {
      throw new D3Error(
        'RESTORE_WITHOUT_SCRIPTS',
        'notFound',
        `Scripts of ${meant.edition} are gone: ${missing.join(', ')}.`,
        {
          target: meant.edition,
          actions: [`add it anew from its record: d3admin add ${meant.basename} -i ${meant.edition}`],
        },
      );
    }
    const edition = await depot.store.editions.restore(meant.id, admin);
    await publish(session);
    await announce('d3:edition:added', edition, session);
    return edition;
  } catch (error) {
    await session.depot.removeUnused(added);
    throw error;
  }
}

async function archivedMeant(named: string, { depot }: AdminSession): Promise<DeletedEdition> {
  const archived = await depot.store.editions.archived();
  const byName = archived.filter(({ edition }) => edition === named);
  const [found] = byName.length > 0 ? byName.slice(-1) : archived.filter(({ id }) => String(id) === named);
  if (found !== undefined) return found;
  throw new D3Error('NOT_ARCHIVED', 'notFound', `No archived edition is called ${named}.`, {
    target: named,
    actions: ['see what is archived: d3admin show archived'],
  });
}

async function missingScripts(edition: Edition, { depot }: AdminSession): Promise<string[]> {
  const missing: string[] = [];
  for (const { name, sha256 } of scriptsOf(edition)) if (!(await depot.blobs.has(sha256))) missing.push(name);
  return missing;
}

function used({ edition }: Edition, policies: string[]): D3Error {
  const text = `${edition} is used by ${policies.length === 1 ? 'the policy' : 'the policies'} ${policies.join(', ')}`;
  return new D3Error('USED_BY_POLICIES', 'refused', `${text}.`, {
    target: edition,
    actions: ['have them use another edition first, or the basename: d3admin policy edit'],
  });
}
