import {
  type CatalogCriteria,
  type Criteria,
  type Criterion,
  criterionMet,
  EA_FACT,
  type Known,
  type Membership,
  mapLeaves,
  RECORD_FACTS,
  type RecordFact,
} from '../catalog/criteria.ts';
import type { ComputerBody } from './contract.ts';
import type { PublishedRecords } from './store/contract.ts';

/** Whether a criterion asks for what the depot alone knows. */
export function asksRecords({ fact }: Criterion): boolean {
  return fact === EA_FACT || isRecordFact(fact);
}

function isRecordFact(fact: string): fact is RecordFact {
  return (RECORD_FACTS as readonly string[]).includes(fact);
}

/** Answers criteria about the depot's own records. */
export class Records {
  readonly #places: ReadonlyMap<number, string>;
  readonly #eas: ReadonlyMap<number, PublishedRecords['eas'][number]>;
  readonly #computers: PublishedRecords['computers'];

  constructor({ places, eas, computers }: PublishedRecords) {
    this.#places = new Map(places.map(({ id, name }) => [id, name]));
    this.#eas = new Map(eas.map((ea) => [ea.id, ea]));
    this.#computers = computers;
  }

  /** What is known to a criterion that {@link asksRecords}. @param body null: nobody said anything of the computer */
  knows({ fact, document }: Criterion, body: ComputerBody | null): Known {
    if (fact === EA_FACT) {
      const ea = document === undefined ? undefined : this.#eas.get(document);
      const value = body?.attributes[String(document)];
      const type = ea?.body.type ?? 'text';
      return {
        kind: type === 'choice' ? 'text' : type,
        values: ea === undefined || value === undefined ? [] : [value],
      };
    }
    const place = isRecordFact(fact) ? body?.[fact] : null;
    const name = place === null || place === undefined ? undefined : this.#places.get(place);
    return { kind: 'text', values: name === undefined ? [] : [name] };
  }

  /** Whether a computer meets a criterion that {@link asksRecords}. What names a document follows it, however it is called. */
  meets(criterion: Criterion, body: ComputerBody | null): boolean {
    const { fact, op, not, document } = criterion;
    if (isRecordFact(fact) && op === 'is' && document !== undefined)
      return (body !== null && body[fact] === document && this.#places.has(document)) !== not;
    return criterionMet(criterion, this.knows(criterion, body));
  }

  /**
   * Criteria as machines see them: what only the depot knows is answered here, for each computer, and the values stay here.
   * @param hash of a computer's id
   */
  published(criteria: Criteria, hash: (id: string) => string): CatalogCriteria {
    return mapLeaves<Criterion | Membership>(criteria, (criterion) =>
      asksRecords(criterion) ? this.#membership(criterion, hash) : criterion,
    ) as CatalogCriteria;
  }

  /** Those of whom it is so: a computer nobody said anything of is among the others. */
  #membership(criterion: Criterion, hash: (id: string) => string): Membership {
    const positive = { ...criterion, not: false };
    const members = this.#computers.filter(({ body }) => this.meets(positive, body)).map(({ name }) => hash(name));
    return { members: members.toSorted(), not: criterion.not };
  }
}
