import type { Edition } from '../catalog/types.ts';
import { blobsOf, neededBlobs } from '../depot/index.ts';
import { type AdminSession, publish } from './session.ts';
import { scriptUsers } from './users.ts';

/** Something about a depot that is not as it should be, or that somebody may want to know. */
export interface Finding {
  code:
    | 'TWO_LIVE'
    | 'NO_LIVE'
    | 'FILE_MISSING'
    | 'CONTENT_MISSING'
    | 'HASH_WRONG'
    | 'ORPHAN'
    | 'HALF_MADE'
    | 'SCRIPT_UNUSED';
  /** What it is about. */
  target: string;
  text: string;
  /** A note is no fault: it has no exit code. */
  weight: 'problem' | 'note';
  /** What `--fix` does about it; null: only a person can. */
  fix: string | null;
  fixed: boolean;
  /** What a person can do. */
  action: string | null;
}

/** Blobs younger than this may just be arriving with an add that is under way. */
const ARRIVING_MS = 24 * 60 * 60 * 1000;

/**
 * Looks at everything in a depot: statuses, every byte of every blob, what nothing needs, what was cut.
 * @param liveScript the script that runs when an edition goes live: it is used
 * @param fix mends what can be mended without losing anything: what nothing needs goes, what is damaged is set aside
 */
export async function examineDepot(
  session: AdminSession,
  fix: boolean,
  liveScript: string | null = null,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const editions = await session.depot.store.editions.list();
  findings.push(...liveFindings(editions));
  const present = await session.depot.blobs.list();
  findings.push(...absences(editions, present));
  for (const hash of present) {
    session.signal.throwIfAborted();
    // Another admin may have deleted the last that had it meanwhile.
    if ((await session.depot.blobs.isWhole(hash)) !== false) continue;
    const needed = whoNeeds(hash, editions);
    const finding: Finding = {
      code: 'HASH_WRONG',
      target: needed[0] ?? hash,
      text: `the bytes of ${hash.slice(0, 12)}… are not what was stored${needed.length === 0 ? '' : ` (${needed.join(', ')})`}`,
      weight: 'problem',
      fix: 'set aside in damaged/',
      fixed: false,
      action: 'bring it back from a copy of the depot, or add the package again',
    };
    if (fix) {
      await session.depot.blobs.setAside(hash);
      finding.fixed = true;
    }
    findings.push(finding);
  }
  findings.push(...(await leftovers(session, present, fix)));
  findings.push(...(await unusedScripts(liveScript, session)));
  const fixed = findings.filter((finding) => finding.fixed);
  if (fixed.length > 0) {
    await session.depot.store.history.add({
      by: session.admin,
      what: 'depot.mended',
      target: { kind: 'depot', id: 0, name: 'files' },
      before: {},
      after: Object.fromEntries(fixed.map(({ target, text, fix: how }) => [target, `${how}: ${text}`])),
    });
    await publish(session);
  }
  return findings;
}

function liveFindings(editions: readonly Edition[]): Finding[] {
  const families = Map.groupBy(editions, ({ basename }) => basename);
  return [...families].flatMap(([basename, family]): Finding[] => {
    const live = family.filter(({ status }) => status === 'live').map(({ edition }) => edition);
    if (live.length === 1) return [];
    const two = live.length > 1;
    return [
      {
        code: two ? 'TWO_LIVE' : 'NO_LIVE',
        target: basename,
        text: two
          ? `it has several live editions: ${live.join(', ')}`
          : 'it has no live edition: no machine installs it',
        weight: two ? 'problem' : 'note',
        fix: null,
        fixed: false,
        action: two
          ? `make the right one live: d3admin live EDITION`
          : `if that is not meant: d3admin live ${family.at(-1)?.edition}`,
      },
    ];
  });
}

function absences(editions: readonly Edition[], present: ReadonlySet<string>): Finding[] {
  return editions.flatMap((edition): Finding[] => {
    const gone = blobsOf(edition).filter((hash) => !present.has(hash));
    return gone.map((hash) => {
      const isFile = hash === edition.file.sha256;
      const isList = hash === edition.contents;
      return {
        code: isFile ? 'FILE_MISSING' : 'CONTENT_MISSING',
        target: edition.edition,
        text: `${isFile ? `its file ${edition.file.name}` : isList ? 'its list of files' : 'one of its scripts'} is not in the depot`,
        weight: 'problem',
        fix: null,
        fixed: false,
        action: isFile
          ? `add it again: d3admin add ${edition.basename} -v ${edition.version} -s FILE, or delete it: d3admin delete ${edition.edition}`
          : 'bring it back from a copy of the depot, or add the edition again',
      };
    });
  });
}

function whoNeeds(hash: string, editions: readonly Edition[]): string[] {
  return editions.filter((edition) => blobsOf(edition).includes(hash)).map(({ edition }) => edition);
}

async function leftovers(session: AdminSession, present: ReadonlySet<string>, fix: boolean): Promise<Finding[]> {
  const { blobs } = session.depot;
  const needed = await neededBlobs(session.depot.store);
  const before = session.clock.now().getTime() - ARRIVING_MS;
  const findings: Finding[] = [];
  const found = async (code: 'ORPHAN' | 'HALF_MADE', target: string, text: string, remove: () => Promise<void>) => {
    if (fix) await remove();
    findings.push({
      code,
      target,
      text,
      weight: 'problem',
      fix: 'removed',
      fixed: fix,
      action: 'd3admin doctor --fix',
    });
  };
  for (const hash of present) {
    if (needed.has(hash) || (await blobs.changedAt(hash)) > before) continue;
    await found(
      'ORPHAN',
      hash,
      'nothing in the depot needs this content',
      async () => void (await session.depot.removeUnused([hash])),
    );
  }
  for (const { name, changedAt } of await blobs.unfinished()) {
    if (changedAt > before) continue;
    await found('HALF_MADE', name, 'a cut add left this behind', () => blobs.removeUnfinished(name));
  }
  return findings;
}

async function unusedScripts(liveScript: string | null, session: AdminSession): Promise<Finding[]> {
  const users = await scriptUsers(session);
  const scripts = await session.depot.store.documents('script').list();
  return scripts
    .filter(({ id, name }) => !users.has(id) && liveScript !== name && liveScript !== String(id))
    .map(
      ({ id, name }): Finding => ({
        code: 'SCRIPT_UNUSED',
        target: name,
        text: `nothing uses script ${id}`,
        weight: 'note',
        fix: null,
        fixed: false,
        action: null,
      }),
    );
}
