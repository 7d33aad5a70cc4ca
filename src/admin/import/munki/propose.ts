import { D3Error } from '@d3/sdk';
import type { Criteria } from '../../../catalog/criteria.ts';
import { nameKey } from '../../../catalog/names.ts';
import type { Gap, LeftOut, Proposal, Proposed, ProposedGroup } from '../types.ts';
import { itemName, type MunkiItem } from './item.ts';
import type { Manifest } from './manifest.ts';
import { mapItem } from './map-item.ts';
import { basenameOf, twinKey, versionOf } from './names.ts';
import { contrary, criteriaOf } from './predicate.ts';
import { digest, groupName, listed, scopesOf, shortened } from './scopes.ts';
import { compareVersions, nameAndVersion } from './versions.ts';

/** What of a repository could be read. */
export interface MunkiRepository {
  items: readonly MunkiItem[];
  manifests: readonly Manifest[];
}

export interface Choices {
  /** Catalogs whose items are released: the newest of each name becomes live. */
  released: readonly string[];
  /** Whether disk images can be opened here. */
  opensImages: boolean;
}

/** What a repository of Munki's comes to in d3. Pure; the same repository always comes to the same. */
export function propose({ items, manifests }: MunkiRepository, { released, opensImages }: Choices): Proposed {
  const problems: Proposed['problems'] = [];
  const leftOut: LeftOut[] = [];
  const gaps: Gap[] = [];
  const mapped: { item: MunkiItem; proposal: Proposal }[] = [];
  const clashes = clashesAmong(items);
  for (const item of items.toSorted(byAge)) {
    const { from } = item;
    const name = itemName(item);
    const clash = clashes.get(item);
    if (clash !== undefined) {
      problems.push({ item: name, from, error: clash });
      continue;
    }
    const found = mapItem(item, { released, opensImages });
    if (found.kind === 'wrong') problems.push({ item: name, from, error: found.error });
    else if (found.kind === 'left out') {
      leftOut.push({ item: name, from, why: found.why });
      if (found.gap !== null) gaps.push(found.gap);
    } else {
      mapped.push({ item, proposal: found.proposal });
      gaps.push(...found.gaps);
    }
  }
  const groups = new Map<string, ProposedGroup>();
  scope(mapped, manifests, { names: new Set(items.map(({ name }) => name)), released, groups, gaps });
  gaps.push(
    ...sameNames(mapped.map(({ proposal }) => proposal)),
    ...keptForOlder(mapped),
    ...otherCatalogs(items, released),
  );
  return {
    proposals: mapped.map(({ proposal }) => proposal),
    groups: [...groups.values()],
    categories: categoriesIn(mapped.map(({ proposal }) => proposal)),
    leftOut,
    gaps: distinct(gaps),
    problems,
  };
}

/** By name, older versions first; what is the same to Munki by its file. */
function byAge(a: MunkiItem, b: MunkiItem): number {
  return textOrder(a.name, b.name) || compareVersions(a.version, b.version) || textOrder(a.from, b.from);
}

function textOrder(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Items that would be one in d3: none of them is taken in, because nobody can say which is meant. */
function clashesAmong(items: readonly MunkiItem[]): Map<MunkiItem, D3Error> {
  const clashes = new Map<MunkiItem, D3Error>();
  const byBasename = new Map<string, Set<string>>();
  const byTwin = new Map<string, MunkiItem[]>();
  for (const item of items) {
    const [basename, version] = [basenameOf(item.name), versionOf(item.version)];
    if (basename === null || version === null) continue;
    const names = byBasename.get(basename.toLowerCase()) ?? new Set();
    byBasename.set(basename.toLowerCase(), names.add(item.name));
    const key = twinKey(basename, version);
    byTwin.set(key, [...(byTwin.get(key) ?? []), item]);
  }
  for (const item of items) {
    const basename = basenameOf(item.name);
    const names = [...(byBasename.get(basename?.toLowerCase() ?? '') ?? [])].toSorted();
    if (names.length > 1)
      clashes.set(
        item,
        clash(
          item,
          `${listed(names)} would all be called ${basename}`,
          'call all but one of them otherwise in the repository',
        ),
      );
  }
  for (const twins of byTwin.values()) {
    if (twins.length === 1) continue;
    for (const item of twins) {
      const others = twins.filter((other) => other !== item).map(({ from }) => from);
      const text = `${listed(others)} ${others.length === 1 ? 'is' : 'are'} the same name and version`;
      if (!clashes.has(item))
        clashes.set(
          item,
          clash(
            item,
            text,
            'give what is for other Macs another name in the repository, or add them by hand: d3admin add NAME -v VERSION -s PACKAGE',
          ),
        );
    }
  }
  return clashes;
}

function clash(item: MunkiItem, text: string, action: string): D3Error {
  return new D3Error('MUNKI_TWICE', 'refused', `It is not taken in: ${text}.`, {
    target: `${shortened(itemName(item))} (${item.from})`,
    actions: [action],
  });
}

interface Around {
  /** Of all items of the repository. */
  names: ReadonlySet<string>;
  released: readonly string[];
  groups: Map<string, ProposedGroup>;
  gaps: Gap[];
}

/** Gives proposals their groups. */
function scope(
  mapped: readonly { item: MunkiItem; proposal: Proposal }[],
  manifests: readonly Manifest[],
  around: Around,
): void {
  const { groups, gaps, names, released } = around;
  const scopes = scopesOf(manifests, { released, items: names });
  gaps.push(...scopes.gaps);
  const made = new Map(scopes.groups.map((group) => [group.name, group]));
  const leads = leadsOf(mapped);
  const auto = withDependencies(leads, scopes.groupsOf, { names, groups: made, gaps });
  for (const { item, proposal } of mapped) {
    const wanted = [...(auto.get(item.name) ?? [])].toSorted();
    const own = wanted.includes('standard') ? ['standard'] : wanted;
    proposal.typed.autoGroups = own.length === 0 ? 'none' : own.join(',');
    const excluded = excludedFor(item, made, gaps);
    proposal.typed.excludedGroups = excluded ?? 'none';
    for (const name of [...own, ...(excluded === null ? [] : [excluded])]) {
      const group = made.get(name);
      if (group !== undefined) groups.set(name, group);
    }
    // Munki lets what is managed be, however long nobody used it.
    if (own.length > 0 && proposal.typed.expiration !== '0') {
      proposal.typed.expiration = '0';
      proposal.typed.expirationPaths = 'none';
    }
  }
}

/** The item of each name that says what belongs together: the newest that is released, else the newest. */
function leadsOf(
  mapped: readonly { item: MunkiItem; proposal: Proposal }[],
): Map<string, { item: MunkiItem; proposal: Proposal }> {
  const leads = new Map<string, { item: MunkiItem; proposal: Proposal }>();
  for (const one of mapped) {
    const before = leads.get(one.item.name);
    if (before === undefined || one.proposal.released || !before.proposal.released) leads.set(one.item.name, one);
  }
  return leads;
}

/** Groups of each name, what others require and what is an update for others included. */
function withDependencies(
  leads: ReadonlyMap<string, { item: MunkiItem; proposal: Proposal }>,
  direct: ReadonlyMap<string, ReadonlySet<string>>,
  { names, groups, gaps }: { names: ReadonlySet<string>; groups: Map<string, ProposedGroup>; gaps: Gap[] },
): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>([...direct].map(([name, own]) => [name, new Set(own)]));
  const add = (name: string, group: string) => all.set(name, (all.get(name) ?? new Set()).add(group));
  const needs = new Map<string, string[]>();
  for (const { item, proposal } of leads.values()) {
    const gap = (key: string, what: string, why: string, todo: string) =>
      gaps.push({ item: itemName(item), from: item.from, key, what, why, todo });
    for (const text of item.requires) {
      const { name, version } = meant(text, names);
      if (!leads.has(name)) {
        gap(
          'requires',
          shortened(text),
          'it is not taken in',
          'see to it by hand: whatever gets the one has to get the other',
        );
        continue;
      }
      needs.set(item.name, [...(needs.get(item.name) ?? []), name]);
      add(name, having(proposal.basename, null, groups));
      gap(
        'requires',
        shortened(text),
        `Macs that get ${proposal.basename} or have it get it too${version === null ? '' : ' (the live edition)'}, but d3 does not see to it that it comes first`,
        'if it has to be first: a policy with an install step for each, in that order',
      );
    }
    for (const text of item.updateFor) {
      const { name, version } = meant(text, names);
      const other = leads.get(name)?.proposal;
      if (other === undefined)
        gap(
          'update_for',
          shortened(text),
          'it is not taken in',
          'give it groups by hand: d3admin edit EDITION -g GROUPS',
        );
      else add(item.name, having(other.basename, version, groups));
    }
  }
  // What is required comes wherever that comes which requires it, however long the chain.
  const follow = (name: string, from: ReadonlySet<string>, seen: Set<string>) => {
    for (const next of needs.get(name) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      for (const group of from) add(next, group);
      follow(next, from, seen);
    }
  };
  for (const [name, own] of [...all].map(([each, its]) => [each, new Set(its)] as const))
    follow(name, own, new Set([name]));
  return all;
}

function meant(text: string, names: ReadonlySet<string>): { name: string; version: string | null } {
  const name = text.normalize('NFC');
  return names.has(name) ? { name, version: null } : nameAndVersion(name);
}

/** The group of whoever has something. @returns its name */
function having(basename: string, version: string | null, groups: Map<string, ProposedGroup>): string {
  const clean = version === null ? null : versionOf(version);
  const what = clean === null ? basename : `${basename}-${clean}`;
  const name = groupName(`munki-has-${what}`);
  const criteria: Criteria =
    clean === null
      ? { fact: 'installed', op: 'is', not: false, value: basename }
      : { fact: 'installed', op: 'like', not: false, value: `${what}-*` };
  groups.set(name, { name, description: `From Munki: where ${what} is installed`, criteria });
  return name;
}

/** The group of those who may not have an item. @returns its name; null when all may */
function excludedFor(item: MunkiItem, groups: Map<string, ProposedGroup>, gaps: Gap[]): string | null {
  const { installableCondition: condition } = item;
  if (condition === null) return null;
  const translated = criteriaOf(condition);
  if ('why' in translated) {
    gaps.push({
      item: itemName(item),
      from: item.from,
      key: 'installable_condition',
      what: shortened(condition),
      why: `no criteria of a group say that, so that it is not held to: ${translated.why}`,
      todo: 'make a group of those who may not have it, and exclude it: d3admin edit EDITION -G GROUP',
    });
    return null;
  }
  const name = groupName(`munki-unless-${digest(condition)}`);
  const description = `From Munki: not where ${shortened(condition)}`;
  groups.set(name, { name, description, criteria: contrary(translated.criteria) });
  return name;
}

/** No two editions have the same package name. */
function sameNames(proposals: readonly Proposal[]): Gap[] {
  const byName = new Map<string, Proposal[]>();
  for (const proposal of proposals) {
    const { packageName } = proposal.typed;
    if (packageName === undefined) continue;
    byName.set(packageName, [...(byName.get(packageName) ?? []), proposal]);
  }
  const gaps: Gap[] = [];
  for (const [name, several] of byName) {
    if (several.length === 1) continue;
    for (const { item, from, typed } of several) {
      delete typed.packageName;
      const todo = 'give one of them another name: d3admin edit EDITION -n NAME';
      gaps.push({ item, from, key: 'display_name', what: shortened(name), why: 'another item is called so too', todo });
    }
  }
  return gaps;
}

/** Munki gives Macs that a newer version is not for an older one; d3 has one live edition for all. */
function keptForOlder(mapped: readonly { item: MunkiItem; proposal: Proposal }[]): Gap[] {
  const gaps: Gap[] = [];
  const leads = leadsOf(mapped.filter(({ proposal }) => proposal.released));
  for (const { item, proposal } of mapped) {
    const lead = leads.get(item.name);
    if (!proposal.released || lead === undefined || lead.item === item) continue;
    const [own, its] = [reach(proposal), reach(lead.proposal)];
    if (own === its || its === reach(null)) continue;
    gaps.push({
      item: proposal.item,
      from: proposal.from,
      key: 'catalogs',
      what: `released beside ${lead.proposal.item}`,
      why: `Munki gives it to Macs that ${lead.proposal.item} is not for; d3 has one live edition of a basename`,
      todo: `if there are such Macs, give it a basename of its own: d3admin add ${proposal.basename}-old -v ${proposal.version} -s PACKAGE`,
    });
  }
  return gaps;
}

/** For which Macs it is, as far as it says. */
function reach(proposal: Proposal | null): string {
  const { oses = '>=10', cpu = 'none', excludedGroups = 'none' } = proposal?.typed ?? {};
  return JSON.stringify([oses, cpu, excludedGroups]);
}

function otherCatalogs(items: readonly MunkiItem[], released: readonly string[]): Gap[] {
  const others = new Map<string, number>();
  for (const { catalogs } of items)
    for (const catalog of new Set(catalogs))
      if (!released.includes(catalog) && catalog !== 'testing') others.set(catalog, (others.get(catalog) ?? 0) + 1);
  return [...others]
    .toSorted(([a], [b]) => textOrder(a, b))
    .map(([catalog, count]) => ({
      item: `catalog ${shortened(catalog)}`,
      from: 'catalogs',
      key: 'catalogs',
      what: `${count} ${count === 1 ? 'item' : 'items'}`,
      why: 'd3 has pilots and live editions; what is in this catalog alone is a pilot',
      todo: 'if Macs are to have it by themselves, name the catalog with --released',
    }));
}

function categoriesIn(proposals: readonly Proposal[]): string[] {
  const byKey = new Map<string, string>();
  for (const { typed } of proposals) {
    const { category = 'none' } = typed;
    if (category !== 'none' && !byKey.has(nameKey(category))) byKey.set(nameKey(category), category);
  }
  return [...byKey.values()];
}

function distinct(gaps: readonly Gap[]): Gap[] {
  const seen = new Map<string, Gap>();
  for (const gap of gaps) seen.set(JSON.stringify([gap.from, gap.item, gap.key, gap.what, gap.why]), gap);
  return [...seen.values()];
}
