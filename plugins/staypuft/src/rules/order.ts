import { D3Error } from '@d3/sdk';
import type { Role } from '../types.ts';

/** What the order of roles is made from. */
type Ordered = Pick<Role, 'name' | 'after'>;

/** Roles that wait for one another in a ring, beginning and ending with the same one; null when there is no such ring. */
export function cycleOf(roles: readonly Ordered[]): readonly string[] | null {
  const after = new Map(roles.map((role) => [role.name, role.after]));
  const settled = new Set<string>();
  for (const { name } of roles) {
    // What is on the way, each with those it waits for that were not looked at yet; no recursion, however long a chain is.
    const way = [{ name, left: [...(after.get(name) ?? [])] }];
    while (way.length > 0) {
      const here = way.at(-1) as { name: string; left: string[] };
      const next = here.left.shift();
      if (next === undefined || settled.has(here.name)) {
        settled.add(here.name);
        way.pop();
        continue;
      }
      const met = way.findIndex((one) => one.name === next);
      if (met !== -1) return [...way.slice(met).map((one) => one.name), next];
      if (after.has(next) && !settled.has(next)) way.push({ name: next, left: [...(after.get(next) ?? [])] });
    }
  }
  return null;
}

/**
 * Roles level by level: those of a level wait for roles of levels before it only, and may run together.
 * @throws D3Error refused `ROLE_CYCLE`, `ROLE_UNKNOWN`
 */
export function levels<One extends Ordered>(roles: readonly One[]): One[][] {
  const names = new Set(roles.map((role) => role.name));
  for (const role of roles) {
    const unknown = role.after.find((one) => !names.has(one));
    if (unknown !== undefined) throw unknownRole(role.name, unknown);
  }
  const found: One[][] = [];
  const done = new Set<string>();
  while (done.size < names.size) {
    const level = readyRoles(roles, done, new Set());
    if (level.length === 0) throw roleCycle(cycleOf(roles) ?? []);
    for (const role of level) done.add(role.name);
    found.push(level);
  }
  return found;
}

/**
 * The roles that can be begun now, in the order they are written: all they wait for is done, and they are neither done nor blocked
 * themselves. A role that waits for a blocked one never is among them.
 */
export function readyRoles<One extends Ordered>(
  roles: readonly One[],
  done: ReadonlySet<string>,
  blocked: ReadonlySet<string>,
): One[] {
  return roles.filter(
    (role) => !done.has(role.name) && !blocked.has(role.name) && role.after.every((one) => done.has(one)),
  );
}

/** All roles that wait for one of these, directly or not. */
export function rolesBehind(roles: readonly Ordered[], names: ReadonlySet<string>): ReadonlySet<string> {
  const behind = new Set<string>();
  for (let before = -1; before !== behind.size; ) {
    before = behind.size;
    for (const role of roles) {
      if (role.after.some((one) => names.has(one) || behind.has(one))) behind.add(role.name);
    }
  }
  return behind;
}

function roleCycle(cycle: readonly string[]): D3Error {
  return new D3Error('ROLE_CYCLE', 'refused', `roles wait for one another: ${cycle.join(' → ')}`, {
    ...(cycle[0] === undefined ? {} : { target: cycle[0] }),
    actions: ['take one of them out of the others’ "after"'],
  });
}

function unknownRole(role: string, unknown: string): D3Error {
  return new D3Error(
    'ROLE_UNKNOWN',
    'refused',
    `role "${role}" comes after "${unknown}", which is no role of the blueprint`,
    {
      target: role,
      actions: ['name a role of the same blueprint in "after"'],
    },
  );
}
