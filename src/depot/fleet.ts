import { D3Error } from '@d3/sdk';
import {
  type Criteria,
  type Criterion,
  criterionMet,
  judge,
  type Known,
  leavesOf,
  machineKnows,
  PROVISIONING,
} from '../catalog/criteria.ts';
import { nameKey } from '../catalog/names.ts';
import type { Clock } from '../platform/clock.ts';
import type { ComputerBody, GroupBody } from './contract.ts';
import { asksRecords, Records } from './records.ts';
import type { AdminStore, Computer, StoredDocument } from './store/contract.ts';

/** A computer with what admins say of it. */
export interface FleetComputer extends Computer {
  /** As admins call it, else as it calls itself. */
  shownName: string;
  record: StoredDocument<ComputerBody> | null;
  /** Whole days since its last report. */
  age: number;
}

/** What of a newest report smart groups ask. */
interface Newest {
  model: string | null;
  provisioning: Readonly<Record<string, string>>;
  provisioningComplete: boolean;
  installed: string[];
}

const NOT_REPORTED: Newest = { model: null, provisioning: {}, provisioningComplete: false, installed: [] };

/** One criterion judged, for people. */
export interface Judged {
  criterion: Criterion;
  values: readonly string[];
  met: boolean;
}

/** What of a depot it is read from. */
export interface FleetSource {
  depot: { store: Pick<AdminStore, 'computers' | 'documents'> };
  clock: Clock;
}

const DAY = 86_400_000;
/** The fewest letters that stand for an id. */
const PREFIX = /^[0-9a-f][0-9a-f-]{3,35}$/;

/** All computers of the depot as they are known now; read once for a piece of work. */
export class Fleet {
  readonly computers: readonly FleetComputer[];
  readonly #byId: ReadonlyMap<string, FleetComputer>;
  readonly #records: Records;
  readonly #newest = new Map<string, Newest>();
  readonly #store: FleetSource['depot']['store'];

  private constructor(computers: FleetComputer[], records: Records, store: FleetSource['depot']['store']) {
    this.computers = computers;
    this.#byId = new Map(computers.map((computer) => [computer.id, computer]));
    this.#records = records;
    this.#store = store;
  }

  /** Who there is. What computers last reported is read by {@link reading}, before anything is judged. */
  static async of(session: FleetSource): Promise<Fleet> {
    const { store } = session.depot;
    const documents = await store.documents('computer').list();
    const recordOf = new Map(documents.map((document) => [document.name, document]));
    const now = session.clock.now().getTime();
    const computers = (await store.computers.list()).map((computer) => {
      const record = recordOf.get(computer.id) ?? null;
      const age = Math.max(0, Math.floor((now - Date.parse(computer.lastContact)) / DAY));
      return { ...computer, record, age, shownName: record?.body.name ?? computer.name };
    });
    const records = new Records({
      computers: documents,
      eas: await store.documents('ea').list(),
      places: [
        ...(await store.documents('department').list()),
        ...(await store.documents('building').list()),
        ...(await store.documents('site').list()),
      ],
    });
    return new Fleet(computers, records, store);
  }

  /**
   * Reads what groups ask of last reports, and no more: what is installed everywhere is a long read.
   * @param ids only of these computers
   */
  async reading(bodies: readonly GroupBody[], ids?: readonly string[]): Promise<this> {
    const asked = bodies.flatMap((body) => (body.kind === 'smart' ? leavesOf(body.criteria) : []));
    const facts = asked.map(({ fact }) => fact);
    const newest = this.#newest;
    if (facts.some((fact) => fact === 'model' || fact.startsWith(PROVISIONING))) {
      for await (const report of this.#store.computers.newestReports(ids)) {
        const { computer, model = null, provisioning = {}, provisioningComplete = true } = report;
        newest.set(computer.id, { model, provisioning, provisioningComplete, installed: [] });
      }
    }
    if (facts.includes('installed')) {
      // Of a whole fleet only what somebody asks for: the rest makes no difference to any answer.
      const basenames = ids === undefined ? await this.#basenamesAskedFor(asked) : undefined;
      for await (const { computer, basename, edition } of this.#store.computers.installedNames({ ids, basenames })) {
        const known = newest.get(computer) ?? { ...NOT_REPORTED, installed: [] };
        known.installed.push(basename, edition);
        newest.set(computer, known);
      }
    }
    return this;
  }

  async #basenamesAskedFor(asked: readonly Criterion[]): Promise<string[]> {
    const wanted = asked.filter(({ fact }) => fact === 'installed').map((criterion) => ({ ...criterion, not: false }));
    const names = await this.#store.computers.namesInstalled();
    return names.flatMap(({ basename, edition }) =>
      wanted.some((criterion) => criterionMet(criterion, { kind: 'text', values: [basename, edition] }))
        ? [basename]
        : [],
    );
  }

  byId(id: string): FleetComputer | undefined {
    return this.#byId.get(id);
  }

  /**
   * The computer a word means: its id, a name in any case, its serial number, or the beginning of its id.
   * @throws D3Error notFound (34), or refused `COMPUTER_AMBIGUOUS` naming the ids
   */
  find(word: string): FleetComputer {
    const found = this.lookUp(word);
    if (found !== null) return found;
    throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', `No computer has reported as ${word}.`, {
      target: word,
      actions: [
        'see what there is: d3admin computer list',
        'run d3 sync there first: machines are known by their reports',
      ],
    });
  }

  /** As {@link find}, but null when there is none. */
  lookUp(word: string): FleetComputer | null {
    const exact = this.#byId.get(word.toLowerCase());
    if (exact !== undefined) return exact;
    const key = nameKey(word);
    const isIt = ({ shownName, name, claims }: FleetComputer) =>
      [shownName, name, claims.serial].some((candidate) => candidate !== null && nameKey(candidate) === key);
    let found = this.computers.filter(isIt);
    if (found.length === 0 && PREFIX.test(key)) found = this.computers.filter(({ id }) => id.startsWith(key));
    if (found.length <= 1) return found[0] ?? null;
    const ids = found.map(({ id, shownName }) => `${id} (${shownName})`);
    throw new D3Error('COMPUTER_AMBIGUOUS', 'refused', `${word} can be ${found.length} computers: ${ids.join(', ')}.`, {
      target: word,
      actions: ['Name the computer by its id.'],
    });
  }

  /** Ids of those that are in a group, in the order of their names. */
  members(body: GroupBody): string[] {
    if (body.kind === 'static') return body.members;
    return this.computers.filter((computer) => this.meets(body.criteria, computer)).map(({ id }) => id);
  }

  isIn(body: GroupBody, computer: FleetComputer): boolean {
    return body.kind === 'static' ? body.members.includes(computer.id) : this.meets(body.criteria, computer);
  }

  meets(criteria: Criteria, computer: FleetComputer): boolean {
    return judge<Criterion>(criteria, (criterion) => this.#met(criterion, computer));
  }

  /** What a criterion finds at a computer, and whether that is what it wants. */
  judged(criterion: Criterion, computer: FleetComputer): Judged {
    return { criterion, values: this.#known(criterion, computer)?.values ?? [], met: this.#met(criterion, computer) };
  }

  #met(criterion: Criterion, computer: FleetComputer): boolean {
    if (asksRecords(criterion)) return this.#records.meets(criterion, computer.record?.body ?? null);
    const known = this.#known(criterion, computer);
    return known !== null && criterionMet(criterion, known);
  }

  #known(criterion: Criterion, computer: FleetComputer): Known | null {
    if (asksRecords(criterion)) return this.#records.knows(criterion, computer.record?.body ?? null);
    const { os, cpu, name, claims, age } = computer;
    const newest = this.#newest.get(computer.id) ?? NOT_REPORTED;
    return machineKnows(criterion.fact, { os, cpu, name, serial: claims.serial, ...newest, lastReport: () => age });
  }
}

/**
 * The computer a word means, as {@link Fleet.find} has it. All computers are looked through only for what is neither an id nor
 * a name they report.
 */
export async function computerMeant(word: string, session: FleetSource): Promise<Computer> {
  return (await session.depot.store.computers.find(word)) ?? (await Fleet.of(session)).find(word);
}
