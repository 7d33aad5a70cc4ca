import { D3Error } from '@d3/sdk';
import type { Status } from '../catalog/types.ts';
import { matchingWords } from '../platform/patterns.ts';
import type { AdminSession } from './session.ts';
import { editionsOf, groupNames, type KnownEdition, type ShownEdition, shown } from './show.ts';

/** What is looked for; patterns are regular expressions without regard to case, and what is left out limits nothing. */
export interface SearchRequest {
  /** Of basenames; with {@link groups} of names of groups. None, or `all`, means every one. */
  patterns: readonly string[];
  /** Null: every status but archived. */
  statuses: ReadonlySet<Status> | null;
  edition?: string | undefined;
  category?: string | undefined;
  /** Who added or released it. */
  by?: string | undefined;
  /** Added or released at this time or later, ISO 8601. */
  since?: string | undefined;
  /** Added or released before this time, ISO 8601. */
  until?: string | undefined;
}

export interface FoundEdition extends ShownEdition {
  category: string | null;
  autoGroups: string[];
  excludedGroups: string[];
}

/** What a group is given by itself, and what it does not get. */
export interface FoundGroup {
  /** `standard`, a name, or what is left of a deleted group. */
  group: string;
  autoInstalled: FoundEdition[];
  excluded: FoundEdition[];
}

/**
 * Editions by basename, oldest first.
 * @throws D3Error notFound (34) when nothing is found, usage (2) for a pattern that cannot be used
 */
export async function searchEditions(request: SearchRequest, session: AdminSession): Promise<FoundEdition[]> {
  const found = await filtered(request, session, [...request.patterns]);
  if (found.length === 0) throw nothingFound('edition', request.patterns);
  return found;
}

/**
 * Groups that editions name, `standard` among them, each with its editions.
 * @throws D3Error as {@link searchEditions}
 */
export async function searchGroups(request: SearchRequest, session: AdminSession): Promise<FoundGroup[]> {
  const found = await filtered(request, session, []);
  const documents = await session.depot.store.documents('group').list();
  const named = found.flatMap(({ autoGroups, excludedGroups }) => [...autoGroups, ...excludedGroups]);
  const all = [...new Set(['standard', ...documents.map(({ name }) => name).toSorted(), ...named])];
  const wanted = matchingWords(withoutAll(request.patterns), all, 'GROUP');
  const auto = byGroup(found, ({ autoGroups }) => autoGroups);
  const excluded = byGroup(found, ({ excludedGroups }) => excludedGroups);
  if (wanted.size === 0) throw nothingFound('group', request.patterns);
  return all
    .filter((group) => wanted.has(group))
    .map((group) => ({ group, autoInstalled: auto.get(group) ?? [], excluded: excluded.get(group) ?? [] }));
}

async function filtered(request: SearchRequest, session: AdminSession, patterns: string[]): Promise<FoundEdition[]> {
  let left = await editionsOf(request.statuses, session);
  left = matching(left, withoutAll(patterns), 'BASENAME', ({ basename }) => [basename]);
  left = matching(left, listOf(request.edition), '--edition', ({ edition }) => [edition]);
  left = matching(left, listOf(request.category), '--category', ({ category }) =>
    category === null ? [] : [category],
  );
  left = matching(left, listOf(request.by), '--by', ({ addedBy, releasedBy }) =>
    releasedBy === null ? [addedBy] : [addedBy, releasedBy],
  );
  const { since, until } = request;
  if (since !== undefined || until !== undefined) {
    const isWithin = (at: string | null) =>
      at !== null && (since === undefined || at >= since) && (until === undefined || at < until);
    left = left.filter(({ addedAt, releasedAt }) => isWithin(addedAt) || isWithin(releasedAt));
  }
  const groupOf = await groupNames(session);
  return left.map((edition) => ({
    ...shown(edition),
    category: edition.category,
    autoGroups: edition.autoGroups.map(groupOf),
    excludedGroups: edition.excludedGroups.map(groupOf),
  }));
}

/** Each word is matched once, however many editions have it. */
function matching(
  editions: KnownEdition[],
  patterns: readonly string[],
  flag: string,
  wordsOf: (edition: KnownEdition) => string[],
): KnownEdition[] {
  if (patterns.length === 0) return editions;
  const found = matchingWords(patterns, [...new Set(editions.flatMap(wordsOf))], flag);
  return editions.filter((edition) => wordsOf(edition).some((word) => found.has(word)));
}

function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : [value];
}

function withoutAll(patterns: readonly string[]): readonly string[] {
  return patterns.includes('all') ? [] : patterns;
}

function byGroup(editions: readonly FoundEdition[], groupsOf: (edition: FoundEdition) => string[]) {
  const groups = new Map<string, FoundEdition[]>();
  for (const edition of editions) {
    for (const group of groupsOf(edition)) {
      const of = groups.get(group);
      if (of === undefined) groups.set(group, [edition]);
      else of.push(edition);
    }
  }
  return groups;
}

function nothingFound(what: string, patterns: readonly string[]): D3Error {
  const target = patterns.join(' ');
  return new D3Error('NOTHING_FOUND', 'notFound', `No ${what} is found${target === '' ? '' : ` for ${target}`}.`, {
    ...(target === '' ? {} : { target }),
    actions: ['see all there is: d3admin show', 'patterns are regular expressions; --status limits what is looked at'],
  });
}
