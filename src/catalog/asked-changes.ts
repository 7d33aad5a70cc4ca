import { isDeepStrictEqual } from 'node:util';
import { type CatalogChange, catalogChanges } from './catalog-changes.ts';
import type { CatalogCriteria } from './criteria.ts';
import { effectsOfMakingLive, type StatusChange } from './lifecycle.ts';
import { editionString } from './names.ts';
import type { Catalog, CatalogGroup, CatalogMirror, CatalogPolicy, Edition } from './types.ts';

/**
 * What somebody asked a depot for, against what it wants signed. Who signs on a machine of their own trusts no server: they
 * work out by themselves what their changes make of the last catalog they trust, and anything else is not theirs.
 */

/** As it was asked. A name is the one the depot gave with the number: it has to be that of the trusted catalog. */
export type AskedChange =
  | { what: 'add'; edition: Omit<Edition, 'id' | 'edition' | 'status' | keyof Decided> }
  | { what: 'update'; id: number; name: string | null; changes: Partial<Edition> }
  | { what: 'live' | 'unlive' | 'delete'; id: number; name: string | null }
  | { what: 'restore'; id: number }
  | { what: 'group'; id: number | null; name: string | null; body: AskedGroup | null; newName?: string }
  | { what: 'policy'; id: number | null; name: string | null; body: object | null; newName?: string }
  | { what: 'mirror'; url: string | null; body: CatalogMirror | null }
  /** Records of the depot, of which smart groups may be made. */
  | { what: 'records' };

/** What the depot decides by itself when an edition changes. */
type Decided = Pick<Edition, 'addedAt' | 'addedBy' | 'releasedAt' | 'releasedBy'>;

export interface AskedGroup {
  /** As machines see them; null: it is a smart group. */
  members: string[] | null;
  /** Null where the depot's own records decide, and for a static group. */
  criteria: CatalogCriteria | null;
}

export interface Explained {
  /** What nobody here asked for. */
  foreign: CatalogChange[];
  /** Asked for, but made of what only the depot knows: to be looked at before it is signed. */
  unseen: CatalogChange[];
}

/**
 * @param before the last catalog that is trusted
 * @param after what is to be signed
 * @param by who asked
 * @param own SHA-256 of the files that came from here
 */
export function explained(
  before: Catalog,
  after: Catalog,
  asked: readonly AskedChange[],
  by: string,
  own: ReadonlySet<string>,
): Explained {
  const expected = new Expected(before, after, by);
  for (const each of asked) expected.apply(each);
  const foreign = [...expected.foreign, ...catalogChanges(expected.catalog(), after), ...others(before, after)];
  return { foreign, unseen: [...expected.unseen, ...unknownFiles(before, after, own)] };
}

/** The last catalog, as what was asked makes it. */
class Expected {
  readonly foreign: CatalogChange[] = [];
  readonly unseen: CatalogChange[] = [];
  readonly #before: Catalog;
  readonly #after: Catalog;
  readonly #by: string;
  readonly #editions: Map<number, Edition>;
  readonly #groups: Map<number, CatalogGroup>;
  readonly #policies: Map<number, CatalogPolicy>;
  #mirrors: CatalogMirror[];

  constructor(before: Catalog, after: Catalog, by: string) {
    this.#before = before;
    this.#after = after;
    this.#by = by;
    this.#editions = byId(before.editions);
    this.#groups = byId(before.groups);
    this.#policies = byId(before.policies ?? []);
    this.#mirrors = [...(before.mirrors ?? [])];
  }

  catalog(): Catalog {
    return {
      ...this.#before,
      editions: [...this.#editions.values()],
      groups: [...this.#groups.values()],
      policies: [...this.#policies.values()],
      mirrors: this.#mirrors,
    };
  }

  apply(asked: AskedChange): void {
    switch (asked.what) {
      case 'add':
        return this.#add(asked.edition);
      case 'restore':
        return this.#restore(asked);
      case 'group':
        return this.#group(asked);
      case 'policy':
        return this.#policy(asked);
      case 'mirror':
        return this.#mirror(asked);
      case 'records':
        return this.#records();
      default:
        return this.#change(asked);
    }
  }

  #add(given: Extract<AskedChange, { what: 'add' }>['edition']): void {
    const name = editionString(given.basename, given.version, given.revision);
    const shown = this.#after.editions.find(({ id, edition }) => edition === name && !this.#editions.has(id));
    // Not there: what is not shown does no harm.
    if (shown === undefined) return;
    const { addedAt } = shown;
    const decided = { addedAt: timeOr(addedAt), addedBy: this.#by, releasedAt: null, releasedBy: null };
    this.#editions.set(shown.id, plain({ ...given, id: shown.id, edition: name, status: 'pilot', ...decided }));
  }

  #change(asked: Extract<AskedChange, { what: 'update' | 'live' | 'unlive' | 'delete' }>): void {
    const was = this.#editions.get(asked.id);
    if (was === undefined) return;
    if (was.edition !== asked.name) {
      const text = `has the number ${asked.id} that the depot gave for ${asked.name ?? 'another one'}`;
      this.foreign.push({ kind: 'edition', name: was.edition, text });
      return;
    }
    switch (asked.what) {
      case 'update': {
        const next = plain({ ...was, ...asked.changes });
        this.#editions.set(was.id, { ...next, edition: editionString(next.basename, next.version, next.revision) });
        return;
      }
      case 'live':
        return this.#live(was);
      case 'unlive':
        if (was.status === 'live') this.#editions.set(was.id, { ...was, status: 'deprecated' });
        return;
      case 'delete':
        this.#editions.delete(was.id);
    }
  }

  #live(edition: Edition): void {
    const basename = edition.basename.toLowerCase();
    const siblings = [...this.#editions.values()].flatMap(({ id, status, basename: other }) =>
      other.toLowerCase() === basename && status !== 'missing' ? [{ id, status }] : [],
    );
    const effects: StatusChange[] = effectsOfMakingLive(siblings, edition.id);
    for (const { id, to } of effects) this.#editions.set(id, { ...(this.#editions.get(id) as Edition), status: to });
    if (effects.length === 0) return;
    const shown = this.#after.editions.find(({ id }) => id === edition.id);
    const now = this.#editions.get(edition.id) as Edition;
    const releasedAt = timeOr(shown?.releasedAt ?? null);
    this.#editions.set(edition.id, { ...now, releasedAt, releasedBy: this.#by });
  }

  /** What was archived is in no catalog: the depot alone says what it is. */
  #restore({ id }: { id: number }): void {
    const shown = this.#after.editions.find((edition) => edition.id === id);
    if (shown === undefined || this.#editions.has(id)) return;
    this.#editions.set(id, shown);
    const text = `comes back from the archive, ${shown.status}, SHA-256 ${shown.file.sha256}`;
    this.unseen.push({ kind: 'edition', name: shown.edition, text });
  }

  #group({ id, name, body, newName }: Extract<AskedChange, { what: 'group' }>): void {
    const was = id === null ? undefined : this.#groups.get(id);
    if (id !== null && !this.#isNamed('group', was, name)) return;
    if (id !== null && was !== undefined && body === null && newName === undefined) {
      this.#groups.delete(id);
      return;
    }
    const called = newName ?? was?.name ?? name ?? '';
    const shown = this.#shown(this.#after.groups, this.#groups, id, called);
    if (shown === undefined) return;
    const members = body === null ? (was?.members ?? []) : (body.members ?? []);
    const asked = body === null ? was?.criteria : (body.criteria ?? undefined);
    const isMadeThere = body !== null && body.members === null && body.criteria === null;
    if (isMadeThere) this.unseen.push({ kind: 'group', name: called, text: 'is made of records of the depot' });
    const criteria = isMadeThere ? shown.criteria : asked;
    this.#groups.set(shown.id, plain({ id: shown.id, name: called, members, ...(criteria ? { criteria } : {}) }));
  }

  #policy({ id, name, body, newName }: Extract<AskedChange, { what: 'policy' }>): void {
    const was = id === null ? undefined : this.#policies.get(id);
    if (id !== null && !this.#isNamed('policy', was, name)) return;
    if (id !== null && was !== undefined && body === null && newName === undefined) {
      this.#policies.delete(id);
      return;
    }
    const called = newName ?? was?.name ?? name ?? '';
    const shown = this.#shown(this.#after.policies ?? [], this.#policies, id, called);
    if (shown === undefined) return;
    const { id: _id, name: _name, ...before } = was ?? { id: 0, name: '' };
    this.#policies.set(shown.id, plain({ id: shown.id, name: called, ...(body ?? before) }) as CatalogPolicy);
  }

  /** Order among mirrors is the depot's: whoever is tried first has the same files. */
  #mirror({ url, body }: Extract<AskedChange, { what: 'mirror' }>): void {
    this.#mirrors = this.#mirrors.filter((mirror) => mirror.url !== url);
    if (body !== null) this.#mirrors.push(plain(body));
  }

  /** Whoever is in a smart group may change with records; which groups there are, and who is in static ones, does not. */
  #records(): void {
    for (const shown of this.#after.groups) {
      const was = this.#groups.get(shown.id);
      if (was?.criteria === undefined || shown.criteria === undefined) continue;
      if (isDeepStrictEqual(was.criteria, shown.criteria)) continue;
      this.#groups.set(shown.id, { ...was, criteria: shown.criteria });
      this.unseen.push({ kind: 'group', name: was.name, text: 'is made of other records of the depot' });
    }
  }

  #isNamed(kind: string, was: { id: number; name: string } | undefined, name: string | null): boolean {
    if (was === undefined || was.name === name) return true;
    const text = `has the number ${was.id} that the depot gave for ${name ?? 'another one'}`;
    this.foreign.push({ kind, name: was.name, text });
    return false;
  }

  #shown<T extends { id: number; name: string }>(
    after: readonly T[],
    known: ReadonlyMap<number, T>,
    id: number | null,
    name: string,
  ): T | undefined {
    return id !== null
      ? after.find((each) => each.id === id)
      : after.find((each) => each.name === name && !known.has(each.id));
  }
}

/** Parts of a catalog that are not told apart one by one. */
function others(before: Catalog, after: Catalog): CatalogChange[] {
  const rest = ({ generation: _g, editions: _e, groups: _r, policies: _p, mirrors: _m, ...more }: Catalog) => more;
  const changes: CatalogChange[] = [];
  if (!isDeepStrictEqual(rest(before), rest(after)))
    changes.push({ kind: 'catalog', name: 'itself', text: 'has other parts' });
  if (!Number.isSafeInteger(after.generation) || after.generation < before.generation)
    changes.push({
      kind: 'catalog',
      name: 'itself',
      text: `goes back from ${before.generation} to ${after.generation}`,
    });
  for (const [kind, list] of Object.entries({ edition: after.editions, group: after.groups, policy: after.policies }))
    if (list !== undefined && byId(list as { id: number }[]).size !== list.length)
      changes.push({ kind, name: 'a number', text: 'is there twice' });
  return changes;
}

const HASH = /\b[0-9a-f]{64}\b/g;

/** What is new or changed and names a file that neither came from here nor was signed for before. */
function unknownFiles(before: Catalog, after: Catalog, own: ReadonlySet<string>): CatalogChange[] {
  const hashesIn = (value: unknown) => JSON.stringify(value ?? null).match(HASH) ?? [];
  const known = new Set([...own, ...hashesIn(before.editions), ...hashesIn(before.policies)]);
  const of = (kind: string, name: string, value: unknown) =>
    [...new Set(hashesIn(value))].flatMap((sha256): CatalogChange[] =>
      known.has(sha256) ? [] : [{ kind, name, text: `names a file that did not come from here, SHA-256 ${sha256}` }],
    );
  return [
    ...after.editions.flatMap((edition) => of('edition', edition.edition, edition)),
    ...(after.policies ?? []).flatMap((policy) => of('policy', policy.name, policy)),
  ];
}

function byId<T extends { id: number }>(list: readonly T[]): Map<number, T> {
  return new Map(list.map((each) => [each.id, each]));
}

/** As it comes out of JSON. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function timeOr(text: string | null): string {
  return text !== null && /^\d{4}-\d\d-\d\dT[\d:.]{5,15}Z$/.test(text) ? text : '';
}
