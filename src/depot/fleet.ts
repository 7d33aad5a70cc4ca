import { D3Error } from '@d3/sdk';
import { type Criteria, type Criterion, criterionMet, judge, type Known, machineKnows } from '../catalog/criteria.ts';
import { nameKey } from '../catalog/names.ts';
import type { Clock } from '../platform/clock.ts';
import type { ComputerBody, GroupBody, Report } from './contract.ts';
import { asksRecords, Records } from './records.ts';
import type { Computer, Store, StoredDocument } from './store/contract.ts';

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
  installed: readonly string[];
}

/** One criterion judged, for people. */
export interface Judged {
  criterion: Criterion;
  values: readonly string[];
  met: boolean;
}

/** What of a depot it is read from. */
export interface FleetSource {
  depot: { store: Pick<Store, 'documents'> & { computers: Pick<Store['computers'], 'list' | 'newestReports'> } };
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
  readonly #newest: ReadonlyMap<string, Newest>;

  private constructor(computers: FleetComputer[], records: Records, newest: ReadonlyMap<string, Newest>) {
    this.computers = computers;
    this.#byId = new Map(computers.map((computer) => [computer.id, computer]));
    this.#records = records;
    this.#newest = newest;
  }

  /** @param reports whether criteria will be judged: what computers last reported is read for that */
  static async of({ depot: { store }, clock }: FleetSource, reports: boolean): Promise<Fleet> {
    const documents = await store.documents('computer').list();
    const recordOf = new Map(documents.map((document) => [document.name, document]));
    const now = clock.now().getTime();
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
    return new Fleet(computers, records, reports ? await newestOf(store.computers.newestReports()) : new Map());
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
    const { model = null, provisioning = {}, installed = [] } = this.#newest.get(computer.id) ?? {};
    const subject = { os, cpu, name, model, provisioning, installed, serial: claims.serial, lastReport: () => age };
    return machineKnows(criterion.fact, subject);
  }
}

async function newestOf(reports: AsyncIterable<Report>): Promise<Map<string, Newest>> {
  const newest = new Map<string, Newest>();
  // Thousands of computers have the same few editions: each name is kept once.
  const names = new Map<string, string>();
  const once = (name: string) => {
    const kept = names.get(name);
    if (kept === undefined) names.set(name, name);
    return kept ?? name;
  };
  for await (const { computer, model = null, provisioning = {}, receipts } of reports) {
    const installed = receipts.flatMap(({ basename, edition }) => [once(basename), once(edition)]);
    newest.set(computer.id, { model, provisioning, installed });
  }
  return newest;
}
