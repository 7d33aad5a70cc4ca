import { compareVersions, isVersion } from './version.ts';

/** What a package asks of others, and whether what is installed gives it. By deb-control(5) and Debian's policy, section 7. Pure. */

/** One package a relation names. */
interface Relation {
  name: string;
  /** Of `name:any` or `name:amd64`; null when it says none. */
  architecture: string | null;
  version: { operator: '<<' | '<=' | '=' | '>=' | '>>'; version: string } | null;
}

/** Any of which is enough. */
export type Alternatives = Relation[];

/** A package on a machine, as dpkg has it on record. */
export interface InstalledPackage {
  name: string;
  version: string;
  architecture: string;
  /** dpkg's word, e.g. `installed`, `half-configured`, `config-files`. */
  status: string;
  multiArch: string;
  provides: Relation[];
}

const NAME = '[a-z0-9][a-z0-9+.-]*';
const RELATION = new RegExp(`^(${NAME})(?::([a-z0-9-]+))?\\s*(?:\\(\\s*(<<|<=|=|>=|>>|<|>)\\s*([^\\s()]+)\\s*\\))?$`);
/** What dpkg makes of the two it has given up on. */
const OLD_OPERATORS: Readonly<Record<string, string>> = { '<': '<=', '>': '>=' };
/** States in which a package does what others need it for. */
const WORKS = ['installed', 'triggers-awaited', 'triggers-pending'];

/** Reads a field like `a (>= 1.2) | b, c:any`. @returns null when it is not written as one */
export function parseRelations(field: string): Alternatives[] | null {
  const all: Alternatives[] = [];
  for (const clause of field.split(',')) {
    // A comma at the end is let through, as dpkg does.
    if (clause.trim() === '') continue;
    const alternatives: Alternatives = [];
    for (const text of clause.split('|')) {
      const relation = parseRelation(text.trim());
      if (relation === null) return null;
      alternatives.push(relation);
    }
    all.push(alternatives);
  }
  return all;
}

function parseRelation(text: string): Relation | null {
  const match = RELATION.exec(text);
  if (match === null) return null;
  const [, name = '', architecture = null, operator, version] = match;
  if (operator === undefined || version === undefined) return { name, architecture, version: null };
  if (!isVersion(version)) return null;
  const modern = (OLD_OPERATORS[operator] ?? operator) as NonNullable<Relation['version']>['operator'];
  return { name, architecture, version: { operator: modern, version } };
}

/** What a package asks for. */
export interface Asking {
  name: string;
  architecture: string;
  depends: string;
  /** What it cannot stand beside: Conflicts and Breaks. */
  conflicts: string;
  /** What it takes the place of, which it may stand beside after all. */
  replaces: string;
}

/**
 * What stands between a package and its installation.
 * @param gone names of packages that are removed first
 * @returns one sentence for each dependency nobody gives and each conflict; empty: it can be installed
 */
export function unmetRelations(
  asking: Asking,
  installed: readonly InstalledPackage[],
  gone: readonly string[],
): string[] {
  const present = installed.filter(({ name, status }) => WORKS.includes(status) && !gone.includes(name));
  const others = present.filter(({ name }) => name !== asking.name);
  const depends = parseRelations(asking.depends);
  const conflicts = parseRelations(asking.conflicts);
  if (depends === null || conflicts === null) return ['what it depends on cannot be read'];
  const replaced = new Set((parseRelations(asking.replaces) ?? []).flat().map(({ name }) => name));
  const missing = depends.filter(
    (alternatives) => !alternatives.some((relation) => present.some((one) => gives(one, relation, asking))),
  );
  const inTheWay = conflicts
    .flat()
    .flatMap((relation) => others.filter((one) => gives(one, relation, null) && !replaced.has(one.name)));
  return [
    ...missing.map(
      (alternatives) => `it needs ${alternatives.map(words).join(' or ')}${whatIsThere(alternatives, present)}`,
    ),
    ...new Set(inTheWay.map(({ name, version }) => `it cannot stand beside ${name} ${version}`)),
  ];
}

/** @param asking whose architecture has to fit; null: whichever */
function gives(one: InstalledPackage, relation: Relation, asking: Pick<Asking, 'architecture'> | null): boolean {
  if (one.name === relation.name) {
    return fits(one, relation, asking) && (relation.version === null || holds(one.version, relation.version));
  }
  return one.provides.some(
    ({ name, version }) =>
      name === relation.name &&
      fits(one, relation, asking) &&
      // What is provided without a version has none to compare.
      (relation.version === null || (version?.operator === '=' && holds(version.version, relation.version))),
  );
}

function fits(one: InstalledPackage, { architecture }: Relation, asking: Pick<Asking, 'architecture'> | null): boolean {
  if (architecture === 'any' || one.architecture === 'all' || one.multiArch === 'foreign') return true;
  if (architecture !== null) return one.architecture === architecture;
  return asking === null || asking.architecture === 'all' || one.architecture === asking.architecture;
}

function holds(have: string, { operator, version }: NonNullable<Relation['version']>): boolean {
  const difference = compareVersions(have, version);
  switch (operator) {
    case '<<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '=':
      return difference === 0;
    case '>=':
      return difference >= 0;
    case '>>':
      return difference > 0;
  }
}

function words({ name, architecture, version }: Relation): string {
  const of = architecture === null ? name : `${name}:${architecture}`;
  return version === null ? of : `${of} (${version.operator} ${version.version})`;
}

/** A version that does not do is told from a package that is not there. */
function whatIsThere(alternatives: Alternatives, present: readonly InstalledPackage[]): string {
  const names = new Set(alternatives.map(({ name }) => name));
  const found = present.filter(({ name }) => names.has(name));
  if (found.length === 0) return ', which is not installed';
  return `; there is ${found.map(({ name, version, architecture }) => `${name} ${version} (${architecture})`).join(', ')}`;
}
