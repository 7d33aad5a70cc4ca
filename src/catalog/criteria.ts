import { compareParts } from './limits.ts';
import { nameKey } from './names.ts';

/** By what a smart group takes machines in: pure data, and the rule by which it is judged. */

export const OPERATORS = ['is', 'like', 'matches', '>', '>=', '<', '<='] as const;
export type Operator = (typeof OPERATORS)[number];

/** One question about one fact. Several values of a fact: one that fits suffices. */
export interface Criterion {
  fact: string;
  op: Operator;
  /** Met when the fact is otherwise, or not there. One that somebody failed to tell meets nothing. */
  not: boolean;
  value: string;
  /** The document the question is about, so that it follows a renamed one: an extension attribute, a department, … */
  document?: number;
}

export type Criteria = Criterion | { all: Criteria[] } | { any: Criteria[] };

/** What only the depot knows of machines, as it stands in the catalog: those it is so of, by the hashes of their ids. */
export interface Membership {
  members: string[];
  not: boolean;
}

/** Criteria as machines see them. */
export type CatalogCriteria =
  | Criterion
  | Membership
  | { all: readonly CatalogCriteria[] }
  | { any: readonly CatalogCriteria[] };

/** How values of a fact are compared. */
export type ValueKind = 'text' | 'number' | 'date' | 'version';

/** What is known of one fact. */
export interface Known {
  kind: ValueKind;
  values: readonly string[];
}

/** What a machine knows of itself, and the depot of it from its last report. */
export interface MachineSubject {
  os: { name: string; version: string };
  cpu: string;
  model: string | null;
  name: string;
  serial: string | null;
  /** Basenames and editions. */
  installed: readonly string[];
  provisioning: Readonly<Record<string, string>>;
  /** Whether what {@link provisioning} does not name is known not to be there. */
  provisioningComplete: boolean;
  /** Whole days since its last report arrived; null: none has. Asked only when it matters. */
  lastReport(): number | null;
}

/** Facts of the depot's own records: no machine can know them. */
export const RECORD_FACTS = ['department', 'building', 'site'] as const;
export type RecordFact = (typeof RECORD_FACTS)[number];
/** The fact of a criterion about an extension attribute; which one its document says. */
export const EA_FACT = 'ea';
/** What values of an extension attribute are. */
export const EA_TYPES = ['text', 'number', 'date', 'choice'] as const;
export type EaType = (typeof EA_TYPES)[number];
/** `provisioning.state`, `provisioning.build` and whatever else is known of a machine's provisioning. */
export const PROVISIONING = 'provisioning.';

/** Facts of machines, by name. */
const MACHINE_FACTS: Readonly<Record<string, (subject: MachineSubject) => Known>> = {
  os: ({ os }) => texts(os.name),
  'os-version': ({ os }) => ({ kind: 'version', values: [os.version] }),
  cpu: ({ cpu }) => texts(cpu),
  model: ({ model }) => texts(model),
  name: ({ name }) => texts(name),
  serial: ({ serial }) => texts(serial),
  installed: ({ installed }) => ({ kind: 'text', values: installed }),
  'last-report': (subject) => {
    const days = subject.lastReport();
    return { kind: 'number', values: days === null ? [] : [String(days)] };
  },
};

export const MACHINE_FACT_NAMES: readonly string[] = Object.keys(MACHINE_FACTS);

function texts(value: string | null): Known {
  return { kind: 'text', values: value === null ? [] : [value] };
}

/** What a machine says to a criterion; null when it is none of its facts, or cannot be known now: neither is nor is not. */
export function machineKnows(fact: string, subject: MachineSubject): Known | null {
  if (fact.startsWith(PROVISIONING)) {
    const key = fact.slice(PROVISIONING.length);
    const value = Object.hasOwn(subject.provisioning, key) ? subject.provisioning[key] : undefined;
    if (value === undefined && !subject.provisioningComplete) return null;
    return { kind: 'version', values: value === undefined ? [] : [value] };
  }
  const read = Object.hasOwn(MACHINE_FACTS, fact) ? MACHINE_FACTS[fact] : undefined;
  return read === undefined ? null : read(subject);
}

/**
 * Whether somebody meets criteria.
 * @param meets answers for a single criterion or membership
 */
export function judge<Leaf extends object>(
  criteria: Leaf | { all: readonly unknown[] } | { any: readonly unknown[] },
  meets: (leaf: Leaf) => boolean,
): boolean {
  if ('all' in criteria) return (criteria.all as Leaf[]).every((part) => judge(part, meets));
  if ('any' in criteria) return (criteria.any as Leaf[]).some((part) => judge(part, meets));
  return meets(criteria);
}

/** Whether a machine meets criteria as the catalog has them. What this d3 does not know counts as not met, whatever is asked. */
export function machineMeets(criteria: CatalogCriteria, computerHash: string, subject: MachineSubject): boolean {
  return judge<Criterion | Membership>(criteria, (leaf) => {
    if ('members' in leaf) return leaf.members.includes(computerHash) !== leaf.not;
    const known = machineKnows(leaf.fact, subject);
    return known !== null && criterionMet(leaf, known);
  });
}

export function criterionMet({ op, not, value }: Criterion, { kind, values }: Known): boolean {
  return values.some((candidate) => fits(candidate, op, value, kind)) !== not;
}

function fits(candidate: string, op: Operator, value: string, kind: ValueKind): boolean {
  if (op === 'like') return likePattern(value).test(nameKey(candidate));
  if (op === 'matches') return new RegExp(value, 'iu').test(candidate);
  const order = compared(candidate, value, kind);
  if (op === 'is') return order === 0 || nameKey(candidate) === nameKey(value);
  if (order === null) return false;
  if (op === '>') return order > 0;
  if (op === '>=') return order >= 0;
  return op === '<' ? order < 0 : op === '<=' && order <= 0;
}

const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DOTTED = /^\d{1,15}(?:\.\d{1,15})*$/;

/** Below, equal or above; null when the two cannot be compared. */
function compared(a: string, b: string, kind: ValueKind): number | null {
  const both = (pattern: RegExp) => pattern.test(a) && pattern.test(b);
  if (kind === 'number') return both(NUMBER) ? Number(a) - Number(b) : null;
  if (kind === 'date') return both(DATE) ? (a < b ? -1 : Number(a > b)) : null;
  if (kind === 'version') return both(DOTTED) ? compareParts(parts(a), parts(b)) : null;
  return null;
}

function parts(version: string): number[] {
  return version.split('.').map(Number);
}

/** Whether a text is a value of its kind. */
export function isOfKind(value: string, kind: ValueKind): boolean {
  if (kind === 'number') return NUMBER.test(value);
  if (kind === 'date') return DATE.test(value) && !Number.isNaN(Date.parse(value));
  return kind === 'text' || DOTTED.test(value);
}

/** `*` stands for anything, `?` for one character; without either it is enough that the text occurs. */
function likePattern(value: string): RegExp {
  const quoted = nameKey(value).replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  if (!/[*?]/.test(value)) return new RegExp(quoted, 'su');
  return new RegExp(`^${quoted.replace(/\*+/g, '.*').replaceAll('?', '.')}$`, 'su');
}

const MAX_PATTERN = 200;

/**
 * Why a regular expression is refused; null: it is not. Machines run it at every sync, over texts that others may have
 * chosen: what could take for ever is none.
 */
export function patternProblem(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN) return `it has more than ${MAX_PATTERN} characters`;
  try {
    new RegExp(pattern, 'iu').test('');
  } catch (error) {
    return (error as Error).message;
  }
  const plain = pattern.replace(/\\[^k\d]/g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/\)[*+{]/.test(plain)) return 'a group in parentheses may not be repeated';
  if (/\\[k\d]/.test(plain)) return 'it may not refer back to a group';
  const open = plain.match(/[*+]|\{\d+,\d*\}/g) ?? [];
  return open.length > MAX_OPEN ? `it may have at most ${MAX_OPEN} of *, + and {n,}` : null;
}

const MAX_OPEN = 3;
/** `*` in what is like something counts the same: each may have to be tried with each other. */
export function likeProblem(value: string): string | null {
  const stars = value.match(/\*+/g)?.length ?? 0;
  return stars > MAX_OPEN ? `it may have at most ${MAX_OPEN} of *` : null;
}

/** Every single criterion in criteria. */
export function leavesOf(criteria: Criteria): Criterion[] {
  if ('all' in criteria) return criteria.all.flatMap(leavesOf);
  return 'any' in criteria ? criteria.any.flatMap(leavesOf) : [criteria];
}

/** Criteria with each single one put through `change`. */
export function mapLeaves<Leaf extends object>(
  criteria: Criteria,
  change: (criterion: Criterion) => Leaf,
): Leaf | { all: (Leaf | object)[] } | { any: (Leaf | object)[] } {
  if ('all' in criteria) return { all: criteria.all.map((part) => mapLeaves(part, change)) };
  if ('any' in criteria) return { any: criteria.any.map((part) => mapLeaves(part, change)) };
  return change(criteria);
}
