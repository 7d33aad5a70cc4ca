import { nameKey, wholeNumber } from './names.ts';
import type { CatalogPolicy, GroupRef, PolicyScope } from './types.ts';

/** What a machine is, as far as policies ask. */
export interface PolicyTarget {
  /** Ids of the groups it is in. */
  groups: readonly number[];
  /** What is known of its provisioning, by name; `department` and `building` among them. */
  provisioning: Readonly<Record<string, string>>;
}

type Named = Pick<CatalogPolicy, 'id' | 'name' | 'events'>;

/**
 * What a word means wherever a policy is named, in settings too: an id, a name in any case, else all policies of an event, in
 * the order of their names. An id is a whole number, and neither a name nor an event is one.
 */
export function policiesMeant<Policy extends Named>(word: string, policies: readonly Policy[]): Policy[] {
  const id = wholeNumber(word);
  if (id !== null) return policies.filter((policy) => policy.id === id);
  const named = policies.filter(({ name }) => nameKey(name) === nameKey(word));
  if (named.length > 0) return named;
  return policies.filter(({ events }) => events.includes(word)).toSorted(byName);
}

export function byName(a: Named, b: Named): number {
  return nameKey(a.name) < nameKey(b.name) ? -1 : nameKey(a.name) > nameKey(b.name) ? 1 : a.id - b.id;
}

/** Why a policy is not for a machine, in words; null when it is. */
export function outOfScope(scope: PolicyScope, { groups, provisioning }: PolicyTarget): string | null {
  const isIn = (refs: readonly GroupRef[]) => refs.some((ref) => ref === 'standard' || groups.includes(ref));
  if (scope.groups.length > 0 && !isIn(scope.groups)) return 'this machine is in none of its groups';
  if (isIn(scope.excludedGroups)) return 'this machine is in an excluded group';
  const wanted = Object.entries({
    ...(scope.departments.length > 0 ? { department: scope.departments } : {}),
    ...(scope.buildings.length > 0 ? { building: scope.buildings } : {}),
    ...scope.provisioning,
  });
  for (const [name, values] of wanted) {
    const value = Object.hasOwn(provisioning, name) ? provisioning[name] : undefined;
    if (value !== undefined && values.includes(value)) continue;
    return `it is for ${name} ${values.join(' or ')}, and this machine's is ${value ?? 'not known'}`;
  }
  return null;
}

/**
 * Why a policy need not run now; null when it may.
 * @param done when it was done last, ISO 8601; null: never
 * @param today the day it is here, as `2026-01-31`
 */
export function notDue(
  { frequency }: Pick<CatalogPolicy, 'frequency'>,
  done: { at: string; day: string } | null,
  today: string,
): string | null {
  if (done === null || frequency === 'ongoing') return null;
  if (frequency === 'once') return `it was done here at ${done.at}, and is to be done once`;
  return done.day === today ? `it was done here at ${done.at}, and is to be done once a day` : null;
}
