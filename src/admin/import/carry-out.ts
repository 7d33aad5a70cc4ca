import { D3Error, D3Errors } from '@d3/sdk';
import type { Criteria } from '../../catalog/criteria.ts';
import { effectsOfMakingLive } from '../../catalog/lifecycle.ts';
import { nameKey } from '../../catalog/names.ts';
import type { Edition, ScriptSlot, Status, StoredStatus } from '../../catalog/types.ts';
import { temporaryFolder } from '../../platform/work-folder.ts';
import { type Added, type AddRequest, addUnpublished, problemsWithoutFile, type ScriptText } from '../add.ts';
import { namesKnown } from '../attributes.ts';
import type { BuildTools } from '../build.ts';
import { criteriaNow } from '../criteria.ts';
import { ensureSmartGroup } from '../groups.ts';
import { runMakeLivePolicies } from '../make-live-policies.ts';
import { ensureCategory } from '../named.ts';
import { type AdminSession, announce, publish } from '../session.ts';
import { Surroundings } from '../surroundings.ts';
import { withImageContent } from './image.ts';
import { Editions } from './standing.ts';
import type { Proposal, Proposed, ProposedGroup } from './types.ts';

/** What became of an item; a type, so that it is JSON. */
export type Fate = {
  item: string;
  from: string;
  /** `differs`: it is there, and something of it is not as the repository says. */
  fate: 'imported' | 'would be imported' | 'there' | 'differs' | 'left out' | 'failed' | 'not tried';
  /** As d3 calls it; null where it has none. */
  edition: string | null;
  /** That of its edition afterwards; null where it has none. */
  status: Status | null;
  /** Attributes in which its edition is not what the repository says: it stays as it is. */
  differs: string[];
  why: string | null;
  warnings: string[];
};

export type GroupFate = {
  name: string;
  /** As they would be typed, of the repository. */
  criteria: string;
  /** `differs`: there is a group of that name with other criteria, which stays as it is. */
  fate: 'made' | 'would be made' | 'there' | 'differs';
};

export interface CarryOutOptions {
  dryRun: boolean;
  /** Everything comes in as a pilot, and nothing is made live. */
  pilotsOnly: boolean;
  /** What opens disk images. */
  tools: BuildTools;
  /** Where a package of the repository is. @throws D3Error */
  fileOf(source: { location: string; kilobytes: number | null }, target: string): { path: string; size: number };
}

export interface CarriedOut {
  fates: Fate[];
  groups: GroupFate[];
  /** Categories that were made, or would be. */
  categories: string[];
  errors: D3Error[];
}

/** Basenames that are worked on at once. */
const AT_ONCE = 6;

/**
 * Takes in what a repository comes to, by the services of `d3admin add`, `group add`, `category add` and `live`. The depot itself is
 * all the memory there is: whatever cut it, the next time goes on with what is missing. Machines see everything at once, at the end.
 */
export async function carryOut(
  proposed: Proposed,
  options: CarryOutOptions,
  session: AdminSession,
): Promise<CarriedOut> {
  const { dryRun } = options;
  const errors: D3Error[] = [];
  const categories = await makeCategories(proposed.categories, dryRun, session);
  const { groups, known } = await makeGroups(proposed.groups, categories, dryRun, session);
  const all = await session.depot.editionsWithDerivedStatus();
  const work: Work = {
    session,
    options,
    errors,
    around: new Surroundings(all, known),
    editions: new Editions(all),
    added: [],
  };
  let fates: Fate[];
  let live: Edition[] = [];
  try {
    fates = await addAll(proposed.proposals, work);
    if (!options.pilotsOnly) live = await makeAllLive(proposed.proposals, fates, work);
  } finally {
    // Also what came in before somebody stopped it, or the depot failed.
    if (!dryRun) await publish(session);
  }
  for (const { edition } of work.added) await announce('d3:edition:added', edition, session);
  for (const edition of live) {
    await announce('d3:edition:live', edition, session);
    await runMakeLivePolicies(edition, session);
  }
  return { fates, groups, categories, errors };
}

interface Work {
  session: AdminSession;
  options: CarryOutOptions;
  errors: D3Error[];
  around: Surroundings;
  /** As the depot was before. */
  editions: Editions;
  added: Added[];
}

async function makeCategories(names: readonly string[], dryRun: boolean, session: AdminSession): Promise<string[]> {
  const known = new Set((await namesKnown(session)).categories.map(nameKey));
  const missing = names.filter((name) => !known.has(nameKey(name)));
  if (!dryRun) for (const name of missing) await ensureCategory(name, session);
  return missing;
}

async function makeGroups(
  wanted: readonly ProposedGroup[],
  categories: readonly string[],
  dryRun: boolean,
  session: AdminSession,
) {
  const groups: GroupFate[] = [];
  const text: (criteria: Criteria) => string = await criteriaNow(session);
  const there = new Map(
    (await session.depot.store.documents('group').list()).map((group) => [nameKey(group.name), group]),
  );
  // Groups that would be made have no id yet; nothing else has one below 0.
  let id = -1;
  const would: { id: number; name: string }[] = [];
  for (const group of wanted) {
    const said = { name: group.name, criteria: text(group.criteria) };
    const found = there.get(nameKey(group.name));
    if (found === undefined && dryRun) {
      groups.push({ ...said, fate: 'would be made' });
      would.push({ id, name: group.name });
      id -= 1;
      continue;
    }
    const { made, same } = await ensureSmartGroup(group, session);
    groups.push({ ...said, fate: made ? 'made' : same ? 'there' : 'differs' });
  }
  const known = await namesKnown(session);
  return {
    groups,
    known: {
      ...known,
      groups: [...known.groups, ...would],
      categories: dryRun ? [...known.categories, ...categories] : known.categories,
    },
  };
}

/** Several basenames at a time, because most of it is waiting for disks and networks; within one the older comes first. */
async function addAll(proposals: readonly Proposal[], work: Work): Promise<Fate[]> {
  const { session, options } = work;
  const fates = proposals.map((proposal) => fateOf(proposal));
  const families = [...Map.groupBy(proposals.keys(), (at) => nameKey((proposals[at] as Proposal).basename)).values()];
  const wasThere = basenameMemory(session);
  // Stands for a package of items that have none.
  const empty = temporaryFolder(null, 'd3-import-');
  const label = options.dryRun ? 'looking' : 'importing';
  session.report({ type: 'begin', target: label, text: `${proposals.length} items` });
  let done = 0;
  let isOver = false;
  const worker = async () => {
    try {
      await workOff();
    } catch (error) {
      isOver = true;
      throw error;
    }
  };
  const workOff = async () => {
    for (let family = families.shift(); family !== undefined && !isOver; family = families.shift()) {
      for (const at of family) {
        if (isOver) return;
        session.signal.throwIfAborted();
        fates[at] = await taken(proposals[at] as Proposal, wasThere, empty.path, work);
        isOver ||= work.errors.some(endsAll);
        done += 1;
        session.report({ type: 'advance', target: label, done, total: proposals.length, unit: 'items' });
      }
    }
  };
  try {
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return fates;
  } finally {
    session.report({ type: 'end', target: label, outcome: 'ok', text: '' });
    empty.remove();
  }
}

/** What would fail for every other item too. */
function endsAll({ code, exit }: D3Error): boolean {
  return code === 'NO_SPACE' || exit === 'depotUnreachable' || exit === 'notAuthorised';
}

async function taken(
  proposal: Proposal,
  wasThere: (basename: string, version: string) => Promise<boolean>,
  empty: string,
  { session, options, errors, around, editions, added }: Work,
): Promise<Fate> {
  const fate = fateOf(proposal);
  const target = `${proposal.item} (${proposal.from})`;
  try {
    const { source } = proposal;
    const file = source.kind === 'nothing' ? { path: empty, size: null } : options.fileOf(source, target);
    const standing = editions.standing(proposal, file.size, around);
    if (standing.kind === 'there') {
      const { edition, status } = standing.edition;
      const { differs } = standing;
      return { ...fate, fate: differs.length === 0 ? 'there' : 'differs', edition, status, differs };
    }
    if (standing.kind === 'older')
      return { ...fate, fate: 'left out', why: `the depot has ${standing.than.edition} already, which is newer` };
    if (await wasThere(proposal.basename, proposal.version))
      return { ...fate, fate: 'left out', why: 'it was in the depot already, and was deleted there' };
    if (options.dryRun) {
      const [problems = []] = await problemsWithoutFile([requestOf(proposal, file.path)], session, around);
      if (problems.length > 0) throw new D3Errors(problems, 1);
      const edition = `${proposal.basename}-${proposal.version}-1`;
      return { ...fate, fate: 'would be imported', edition, status: 'pilot' };
    }
    const add = (from: string) => addUnpublished(requestOf(proposal, from), session, around);
    const one =
      source.kind === 'image'
        ? await withImageContent(
            { ...source, file: file.path },
            target,
            { tools: options.tools, signal: session.signal },
            add,
          )
        : await add(file.path);
    added.push(one);
    return { ...fate, fate: 'imported', edition: one.edition.edition, status: 'pilot', warnings: one.warnings };
  } catch (error) {
    const named = problemsIn(error, target);
    errors.push(...named);
    return { ...fate, fate: 'failed', why: named.map(({ message }) => message).join(' ') };
  }
}

function fateOf({ item, from }: Proposal): Fate {
  return { item, from, fate: 'not tried', edition: null, status: null, differs: [], why: null, warnings: [] };
}

function requestOf(proposal: Proposal, source: string): AddRequest {
  const { basename, typed, scripts, item } = proposal;
  return {
    basename,
    typed,
    source,
    sha256: proposal.source.kind === 'file' ? proposal.source.sha256 : null,
    scripts: Object.fromEntries(
      (Object.entries(scripts) as [ScriptSlot, string][]).map(([slot, text]): [ScriptSlot, ScriptText] => [
        slot,
        { text, from: `Munki, ${item}` },
      ]),
    ),
    inherit: false,
  };
}

/** Whether an edition was there once and is not any more; asked once for each basename that never was. */
function basenameMemory({ depot }: AdminSession): (basename: string, version: string) => Promise<boolean> {
  const { editions } = depot.store;
  const known = new Map<string, boolean>();
  return async (basename, version) => {
    const key = nameKey(basename);
    if (!known.has(key)) known.set(key, (await editions.basename(basename)) !== null);
    return known.get(key) === true && (await editions.highestRevision(basename, version)) !== null;
  };
}

/** Errors of an item name it, whatever they are about in it. @throws what is no error of d3's */
function problemsIn(error: unknown, target: string): D3Error[] {
  if (error instanceof D3Errors) return error.errors.flatMap((each) => problemsIn(each, target));
  if (!(error instanceof D3Error)) throw error;
  const { code, exit, message, actions } = error;
  const isSaid = error.target === null || target.includes(error.target) || message.includes(error.target);
  const about = isSaid ? '' : `${error.target}: `;
  return [new D3Error(code, exit, `${about}${message}`, { target, actions, cause: error })];
}

/** An edition of a basename, or what would be one. */
interface Sibling {
  id: number;
  status: StoredStatus;
  fate: Fate | null;
}

/**
 * The newest released edition of each basename becomes live, if that is a step forward. What was live once or was passed over stays as
 * it is: going back is for people to decide.
 * @returns those that became live
 */
async function makeAllLive(proposals: readonly Proposal[], fates: readonly Fate[], work: Work): Promise<Edition[]> {
  const { session, options, errors, added } = work;
  const made: Edition[] = [];
  const byName = new Map(added.map(({ edition }) => [edition.edition, edition]));
  for (const { basename, newest, fate, target } of releasedIn(proposals, fates)) {
    session.signal.throwIfAborted();
    if (fate.status !== 'pilot') {
      if (fate.status !== 'live') fate.why = `it is released in the repository, and ${fate.status} here: it stays so`;
      continue;
    }
    const family = siblings(basename, newest, byName, work);
    const { id } = family.find((sibling) => sibling.fate === fate) as Sibling;
    try {
      if (!options.dryRun) {
        const liveId = family.find(({ status }) => status === 'live')?.id ?? null;
        await session.depot.store.editions.makeLive(id, session.admin, {
          liveId,
          newestId: Math.max(...family.map((each) => each.id)),
        });
        const edition = byName.get(fate.edition as string) ?? (await session.depot.store.editions.byId(id));
        if (edition !== null) made.push(edition);
      }
      const effects = new Map(effectsOfMakingLive(family, id).map((effect) => [effect.id, effect.to]));
      for (const sibling of family)
        if (sibling.fate !== null) sibling.fate.status = effects.get(sibling.id) ?? sibling.status;
    } catch (error) {
      errors.push(...problemsIn(error, target));
    }
  }
  return made;
}

interface Released {
  basename: string;
  /** What became of each item of the basename that has an edition. */
  newest: Fate[];
  /** Of the newest that is released. */
  fate: Fate;
  target: string;
}

function releasedIn(proposals: readonly Proposal[], fates: readonly Fate[]): Released[] {
  const byBasename = new Map<string, { basename: string; newest: Fate[]; fate: Fate | null; target: string }>();
  for (const [at, { basename, released, item, from }] of proposals.entries()) {
    const fate = fates[at];
    if (fate === undefined || fate.edition === null) continue;
    const key = nameKey(basename);
    const known = byBasename.get(key) ?? { basename, newest: [], fate: null, target: '' };
    known.newest.push(fate);
    if (released) Object.assign(known, { fate, target: `${item} (${from})` });
    byBasename.set(key, known);
  }
  return [...byBasename.values()].filter((each): each is Released => each.fate !== null);
}

/** The editions of a basename in the order of their ids, those that would be added at the end. */
function siblings(
  basename: string,
  fates: readonly Fate[],
  added: ReadonlyMap<string, Edition>,
  { editions }: Work,
): Sibling[] {
  const there = editions.family(basename).map(({ id, edition, status }) => ({
    id,
    status: status === 'missing' ? ('pilot' as const) : status,
    fate: fates.find((fate) => fate.edition === edition) ?? null,
  }));
  const fresh = fates.filter((fate) => !there.some((sibling) => sibling.fate === fate));
  const last = Math.max(0, ...there.map(({ id }) => id));
  return [
    ...there,
    ...fresh.map((fate, at) => ({
      id: added.get(fate.edition ?? '')?.id ?? last + 1 + at,
      status: 'pilot' as const,
      fate,
    })),
  ];
}
