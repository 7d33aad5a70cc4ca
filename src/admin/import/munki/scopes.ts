import { createHash } from 'node:crypto';
import type { Criteria } from '../../../catalog/criteria.ts';
import type { Gap, ProposedGroup } from '../types.ts';
import { gapsIn } from './gap.ts';
import type { Manifest, ManifestPart } from './manifest.ts';
import { documentName } from './names.ts';
import { both, criteriaOf } from './predicate.ts';
import { nameAndVersion } from './versions.ts';

/** Which Macs get what by themselves, as manifests say it. */

/** Macs without a manifest of their own have this one. */
const DEFAULT = 'site_default';
/** Macs one group names: each takes two of the hundred questions a group may ask. */
const MACS = 40;
/** Ways by which manifests include each other that are followed. */
const MAX_USES = 100_000;

export interface Scopes {
  /** Names of groups by the names of items in Munki; `standard` is every computer. */
  groupsOf: ReadonlyMap<string, ReadonlySet<string>>;
  groups: ProposedGroup[];
  gaps: Gap[];
}

/** How a manifest comes to a Mac: which Mac’s manifest it is, and under which conditions it is included. */
interface Use {
  primary: string;
  conditions: readonly string[];
}

/**
 * @param released catalogs whose items are released
 * @param items names of all items there are
 */
export function scopesOf(
  manifests: readonly Manifest[],
  { released, items }: { released: readonly string[]; items: ReadonlySet<string> },
): Scopes {
  const byName = new Map(manifests.map((manifest) => [manifest.name, manifest]));
  const gaps = manifests.flatMap((manifest) => [...gapsOf(manifest, byName, released), ...odd(manifest, items)]);
  const { uses, primaries } = usesOf(manifests, byName, gaps);
  const groups = new Map<string, ProposedGroup>();
  const groupsOfItem = new Map<string, Set<string>>();
  for (const manifest of manifests) {
    for (const { part, conditions } of partsOf(manifest)) {
      const { managed_installs: installs } = part.lists;
      if (installs.length === 0) continue;
      const scope = { manifest, uses: uses.get(manifest.name) ?? [], primaries, conditions };
      const names = groupsFor(scope, groups, gaps);
      for (const text of installs) {
        const name = nameMeant(text, items);
        const known = groupsOfItem.get(name) ?? new Set();
        for (const group of names) known.add(group);
        groupsOfItem.set(name, known);
      }
    }
  }
  return { groupsOf: groupsOfItem, groups: [...groups.values()], gaps };
}

/** The item that is named, with or without a version. */
function nameMeant(text: string, items: ReadonlySet<string>): string {
  const name = text.normalize('NFC');
  return items.has(name) ? name : nameAndVersion(name).name;
}

/** Names of items that say more than a name, or nothing that is there. */
function odd(manifest: Manifest, items: ReadonlySet<string>): Gap[] {
  const { name: item, from } = manifest;
  const key = 'managed_installs';
  const said = [...new Set(partsOf(manifest).flatMap(({ part }) => part.lists.managed_installs))];
  const lost = said.filter((text) => !items.has(nameMeant(text, items)));
  const pinned = said.filter((text) => !lost.includes(text) && nameMeant(text, items) !== text.normalize('NFC'));
  const gaps: Gap[] = [];
  if (lost.length > 0)
    gaps.push({
      item,
      from,
      key,
      what: listed(lost),
      why: 'the repository has no such item',
      todo: 'mend the manifest, or leave it',
    });
  if (pinned.length > 0)
    gaps.push({
      item,
      from,
      key,
      what: listed(pinned),
      why: 'Macs get the live edition, not one of a version of their own',
      todo: 'where one has to stay as it is: d3 pilot EDITION and d3 freeze BASENAME there',
    });
  return gaps;
}

/** A manifest and all its conditions, each with those around it. */
function partsOf(manifest: Manifest): { part: ManifestPart; conditions: string[] }[] {
  const within = (part: ManifestPart, conditions: string[]): { part: ManifestPart; conditions: string[] }[] => [
    { part, conditions },
    ...part.conditions.flatMap((inner) => within(inner.part, [...conditions, inner.condition])),
  ];
  return within(manifest, []);
}

function usesOf(manifests: readonly Manifest[], byName: ReadonlyMap<string, Manifest>, gaps: Gap[]) {
  const included = new Set(manifests.flatMap((manifest) => partsOf(manifest).flatMap(({ part }) => part.included)));
  const primaries = manifests.map(({ name }) => name).filter((name) => name === DEFAULT || !included.has(name));
  const uses = new Map<string, Use[]>();
  const seen = new Set<string>();
  let count = 0;
  const visit = (primary: string, name: string, conditions: readonly string[]) => {
    const manifest = byName.get(name);
    const key = JSON.stringify([primary, name, conditions]);
    if (manifest === undefined || seen.has(key) || conditions.length > MACS || count >= MAX_USES) return;
    seen.add(key);
    count += 1;
    uses.set(name, [...(uses.get(name) ?? []), { primary, conditions }]);
    for (const { part, conditions: own } of partsOf(manifest))
      for (const next of part.included) visit(primary, next, [...new Set([...conditions, ...own])].toSorted());
  };
  for (const primary of primaries) visit(primary, primary, []);
  if (count >= MAX_USES)
    gaps.push({
      item: 'the manifests',
      from: 'manifests',
      key: 'included_manifests',
      what: `more than ${MAX_USES} ways of including each other`,
      why: 'only so many are followed',
      todo: 'look at the groups that were made, and add what is missing',
    });
  return { uses, primaries };
}

interface Scope {
  manifest: Manifest;
  uses: readonly Use[];
  primaries: readonly string[];
  /** Of the place in the manifest. */
  conditions: readonly string[];
}

/** @returns the names of the groups whose Macs the manifest is for */
function groupsFor(
  { manifest, uses, primaries, conditions: own }: Scope,
  groups: Map<string, ProposedGroup>,
  gaps: Gap[],
): string[] {
  const byConditions = new Map<string, { conditions: string[]; primaries: Set<string> }>();
  for (const use of uses) {
    const conditions = [...new Set([...use.conditions, ...own])].toSorted();
    const key = JSON.stringify(conditions);
    const found = byConditions.get(key) ?? { conditions, primaries: new Set() };
    found.primaries.add(use.primary);
    byConditions.set(key, found);
  }
  return [...byConditions.values()].flatMap(({ conditions, primaries: whose }) => {
    const criteria = allOf(conditions, manifest, gaps);
    if (criteria === undefined) return [];
    const isEverybody = primaries.includes(DEFAULT) && primaries.every((name) => whose.has(name));
    if (isEverybody && criteria === null) return ['standard'];
    const said = { manifest, conditions, criteria };
    if (isEverybody) return [put(said, null, 0, groups)];
    const macs = [...whose].filter((name) => name !== DEFAULT);
    if (whose.has(DEFAULT)) gaps.push(defaultGap(manifest));
    const named = macs.filter((name) => macName(name) !== null).toSorted();
    return Array.from({ length: Math.ceil(named.length / MACS) }, (_, at) =>
      put(said, namedSo(named.slice(at * MACS, (at + 1) * MACS)), at, groups),
    );
  });
}

/** @returns null without conditions, undefined when one of them cannot be said */
function allOf(conditions: readonly string[], manifest: Manifest, gaps: Gap[]): Criteria | null | undefined {
  let all: Criteria | null = null;
  for (const condition of conditions) {
    const translated = criteriaOf(condition);
    if ('why' in translated) {
      gaps.push({
        item: manifest.name,
        from: manifest.from,
        key: 'conditional_items',
        what: shortened(condition),
        why: `no criteria of a group say that: ${translated.why}`,
        todo: 'make a group that fits, and give it what stands under the condition: d3admin edit EDITION -g GROUP',
      });
      return undefined;
    }
    all = both(all, translated.criteria);
  }
  return all;
}

function put(
  { manifest, conditions, criteria }: { manifest: Manifest; conditions: readonly string[]; criteria: Criteria | null },
  macs: Criteria | null,
  at: number,
  groups: Map<string, ProposedGroup>,
): string {
  const where = conditions.length === 0 ? '' : `-if-${digest(JSON.stringify(conditions))}`;
  const name = groupName(`munki-${manifest.name}`, `${where}${at === 0 ? '' : `-${at + 1}`}`);
  const said = conditions.length === 0 ? '' : `, where ${shortened(conditions.join(' and '))}`;
  groups.set(name, {
    name,
    description: `From Munki: managed_installs of the manifest ${shortened(manifest.name)}${said}`,
    criteria: both(macs, criteria) as Criteria,
  });
  return name;
}

/** A name that is a group’s, however long and odd the one it is made from. */
export function groupName(stem: string, end = ''): string {
  const whole = documentName(`${stem}${end}`);
  return whole ?? `${documentName(stem.slice(0, 60)) ?? 'munki'}-${digest(stem)}${end}`;
}

/** A Mac asks for the manifest of its host name or its serial number. */
function namedSo(primaries: readonly string[]): Criteria {
  return {
    any: primaries.flatMap((primary) => {
      const value = macName(primary) as string;
      return ['serial', 'name'].map((fact) => ({ fact, op: 'is' as const, not: false, value }));
    }),
  };
}

function macName(manifest: string): string | null {
  const name = manifest.slice(manifest.lastIndexOf('/') + 1);
  return name === '' || name.length > 255 || /\p{Cc}/u.test(name) ? null : name;
}

function defaultGap({ name, from }: Manifest): Gap {
  return {
    item: name,
    from,
    key: 'managed_installs',
    what: 'Macs without a manifest of their own get it too',
    why: 'no group of d3 holds the Macs that others have no manifest for',
    todo: 'make a group of them, and give it to the editions besides: d3admin edit EDITION -g GROUPS',
  };
}

const NO_LIST: Partial<Record<keyof ManifestPart['lists'], { why: string; todo: string }>> = {
  managed_uninstalls: {
    why: 'being in a group removes nothing',
    todo: 'a policy with an uninstall step, for the group: d3admin policy add',
  },
  optional_installs: {
    why: 'd3 has no window in which people choose software',
    todo: 'people or a self service run d3 install BASENAME; what all of them need: d3admin edit EDITION -g GROUP',
  },
  featured_items: { why: 'd3 has no window in which people choose software', todo: 'nothing' },
  default_installs: {
    why: 'what d3 installs by itself it puts back if somebody removes it',
    todo: 'a policy of frequency once with an install step: d3admin policy add',
  },
};

function gapsOf(manifest: Manifest, byName: ReadonlyMap<string, Manifest>, released: readonly string[]): Gap[] {
  const { name, from, catalogs } = manifest;
  const gap = gapsIn(name, from);
  const gaps: Gap[] = [];
  const parts = partsOf(manifest).map(({ part }) => part);
  for (const [key, { why, todo }] of Object.entries(NO_LIST)) {
    const said = [...new Set(parts.flatMap(({ lists }) => lists[key as keyof typeof lists]))];
    if (said.length > 0) gaps.push(gap(key, listed(said), why, todo));
  }
  const lost = [...new Set(parts.flatMap(({ included }) => included))].filter((each) => !byName.has(each));
  if (lost.length > 0)
    gaps.push(
      gap('included_manifests', listed(lost), 'the repository has no such manifest', 'mend the manifest, or leave it'),
    );
  const unreleased = catalogs.filter((catalog) => !released.includes(catalog));
  if (unreleased.length > 0)
    gaps.push(
      gap(
        'catalogs',
        listed(unreleased),
        'pilots go to nobody by themselves',
        'try a pilot where it is to be tried: d3 pilot EDITION, or a policy with such a step',
      ),
    );
  return gaps;
}

/** Some of a list, in words. */
export function listed(texts: readonly string[]): string {
  const told = texts.slice(0, 10).map(shortened).join(', ');
  return texts.length > 10 ? `${told}, and ${texts.length - 10} more` : told;
}

/** On one line, and not longer than somebody reads. */
export function shortened(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ');
  return line.length <= 200 ? line : `${line.slice(0, 200).toWellFormed()}…`;
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
