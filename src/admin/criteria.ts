import { D3Error, throwProblems } from '@d3/sdk';
import {
  type Criteria,
  type Criterion,
  EA_FACT,
  type EaType,
  isOfKind,
  leavesOf,
  likeProblem,
  MACHINE_FACT_NAMES,
  mapLeaves,
  PROVISIONING,
  patternProblem,
  RECORD_FACTS,
  type RecordFact,
  type ValueKind,
} from '../catalog/criteria.ts';
import { criteriaText, invalid, parseCriteria } from '../catalog/criteria-text.ts';
import { nameKey } from '../catalog/names.ts';
import type { AdminSession } from './session.ts';

/** A document that criteria may name. */
interface Nameable {
  id: number;
  name: string;
}

interface Names {
  eas: readonly (Nameable & { type: EaType; choices: readonly string[] })[];
  places: Readonly<Record<RecordFact, readonly Nameable[]>>;
}

/** How a fact's values are compared. */
const KINDS: Readonly<Record<string, ValueKind>> = { 'os-version': 'version', 'last-report': 'number' };

/** Reads criteria and looks their names up. @throws D3Errors every problem at once */
export async function readCriteria(text: string, session: AdminSession): Promise<Criteria> {
  const names = await namesOf(session);
  const problems: D3Error[] = [];
  const criteria = mapLeaves(parseCriteria(text), (typed) => {
    const { criterion, kind } = lookedUp(typed, text, names, problems);
    if (kind !== null) problems.push(...valueProblems(criterion, kind, text));
    return criterion;
  }) as Criteria;
  throwProblems(problems);
  return criteria;
}

/** Criteria as they would be typed now. */
export async function criteriaNow(session: AdminSession): Promise<(criteria: Criteria) => string> {
  const { eas, places } = await namesOf(session);
  const called = (criterion: Criterion) => {
    const { fact, value, op, document } = criterion;
    if (fact === EA_FACT) return { fact: `ea.${nameIn(eas, document)}`, value };
    if (op === 'is' && isPlace(fact)) return { fact, value: nameIn(places[fact], document) };
    return { fact, value };
  };
  return (criteria) => criteriaText(criteria, called);
}

/** Whether criteria name a document. */
export function criteriaName(criteria: Criteria, document: number): boolean {
  return leavesOf(criteria).some((criterion) => criterion.document === document);
}

function nameIn(documents: readonly Nameable[], id: number | undefined): string {
  return documents.find((document) => document.id === id)?.name ?? `(deleted ${id})`;
}

function isPlace(fact: string): fact is RecordFact {
  return (RECORD_FACTS as readonly string[]).includes(fact);
}

async function namesOf({ depot }: AdminSession): Promise<Names> {
  const { store } = depot;
  return {
    eas: (await store.documents('ea').list()).map(({ id, name, body }) => ({ id, name, ...body })),
    places: {
      department: await store.documents('department').list(),
      building: await store.documents('building').list(),
      site: await store.documents('site').list(),
    },
  };
}

/** @returns the kind of its values; null when the fact is not known */
function lookedUp(
  typed: Criterion,
  text: string,
  { eas, places }: Names,
  problems: D3Error[],
): { criterion: Criterion; kind: ValueKind | null } {
  const unknown = (what: string, name: string, action: string) => {
    const problem = new D3Error('NAME_UNKNOWN', 'notFound', `there is no ${what} called ${name}`, {
      target: name,
      actions: [action],
    });
    problems.push(problem);
    return { criterion: typed, kind: null };
  };
  const fact = typed.fact.toLowerCase();
  if (fact.startsWith('ea.')) {
    const name = typed.fact.slice(3);
    const ea = named(eas, name);
    if (ea === undefined) return unknown('extension attribute', name, `make it: d3admin ea add "${name}"`);
    const choice = ea.choices.find((candidate) => nameKey(candidate) === nameKey(typed.value));
    if (ea.type === 'choice' && typed.op === 'is' && choice === undefined)
      problems.push(invalid(text, `${ea.name} cannot be ${typed.value}, only ${ea.choices.join(', ')}`));
    const criterion = { ...typed, fact: EA_FACT, document: ea.id };
    return { criterion, kind: ea.type === 'choice' ? 'text' : ea.type };
  }
  if (isPlace(fact)) {
    if (typed.op !== 'is') return { criterion: { ...typed, fact }, kind: 'text' };
    const place = named(places[fact], typed.value);
    if (place === undefined) return unknown(fact, typed.value, `make it: d3admin ${fact} add "${typed.value}"`);
    return { criterion: { ...typed, fact, value: place.name, document: place.id }, kind: 'text' };
  }
  // Names of what is known of provisioning are others' and kept as typed.
  if (fact.startsWith(PROVISIONING) && fact.length > PROVISIONING.length)
    return {
      criterion: { ...typed, fact: `${PROVISIONING}${typed.fact.slice(PROVISIONING.length)}` },
      kind: 'version',
    };
  if (MACHINE_FACT_NAMES.includes(fact)) return { criterion: { ...typed, fact }, kind: KINDS[fact] ?? 'text' };
  const known = [...MACHINE_FACT_NAMES, `${PROVISIONING}NAME`, ...RECORD_FACTS, 'ea.NAME'].join(', ');
  problems.push(invalid(text, `there is no fact ${typed.fact}; there are ${known}`));
  return { criterion: typed, kind: null };
}

/** What makes no sense of a value, whatever machines say. */
function valueProblems({ fact, op, value }: Criterion, kind: ValueKind, text: string): D3Error[] {
  const problem = (why: string) => [invalid(text, why)];
  if (op === 'matches') {
    const wrong = patternProblem(value);
    return wrong === null ? [] : problem(`the regular expression ${value} is refused: ${wrong}`);
  }
  if (op === 'like') {
    const wrong = likeProblem(value);
    return wrong === null ? [] : problem(`${value} is refused: ${wrong}`);
  }
  if (op !== 'is' && kind === 'text') return problem(`${fact} is text, which ${op} does not compare`);
  const free = op === 'is' && kind === 'version';
  return free || isOfKind(value, kind) ? [] : problem(`${fact} is compared with ${EXAMPLES[kind]}, not with ${value}`);
}

const EXAMPLES: Readonly<Record<ValueKind, string>> = {
  text: 'text',
  number: 'a number',
  date: 'a date like 2026-01-31',
  version: 'a version like 15.2',
};

function named<Document extends Nameable>(documents: readonly Document[], name: string): Document | undefined {
  return documents.find((document) => nameKey(document.name) === nameKey(name));
}
