import { D3Error } from '@d3/sdk';
import { countStandings, outside, spreadSeries } from '../../catalog/spread.ts';
import { reasonKey } from '../../catalog/standing.ts';
import type { Edition, Status } from '../../catalog/types.ts';
import type { Clock } from '../../platform/clock.ts';
import type { RunBrief } from '../../runs/types.ts';
import type { GroupBody } from '../contract.ts';
import type { LocalDepot } from '../depot.ts';
import { Fleet } from '../fleet.ts';
import type { StoredDocument } from '../store/contract.ts';
import type {
  BasenameList,
  BasenameRow,
  ComputerList,
  ComputerStory,
  MovingEdition,
  Overview,
  QueueList,
  RunList,
  RunStory,
  Spread,
  Trouble,
} from './answers.ts';
import { kept } from './kept.ts';
import { compare } from './order.ts';
import { computerRow, editionRow, runRow, stepRow, wordsOf } from './rows.ts';
import { groupName, type Had, standings, urgency } from './standings.ts';
import { storyRows } from './story.ts';

/** What a depot has to be for its views. */
export type ViewedDepot = Pick<LocalDepot, 'editionsWithDerivedStatus'> & {
  store: Pick<LocalDepot['store'], 'computers' | 'documents' | 'overview' | 'runs'>;
};

/** Rows of one answer: what is more is counted, not listed. */
const MOST = 5_000;
const MOST_TROUBLES = 25;
const MOST_MOVING = 12;
const MOST_LINES = 1_000;
/** Different problems that are looked at for what is common. */
const MOST_PROBLEMS = 20_000;
/** Points of a curve. */
const POINTS = 97;
/** Milliseconds for which what all computers are is not read again. */
const FRESH = 15_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Days for which an edition that went live counts as new. */
const NEW_FOR = 30;

/** What the page shows, read from the depot's store and from what computers reported; it changes nothing. */
export class Views {
  readonly #depot: ViewedDepot;
  readonly #clock: Clock;
  readonly #editions: () => Promise<Edition[]>;
  readonly #overview: () => Promise<Overview>;
  readonly #fleet: () => Promise<Fleet>;
  readonly #judgingFleet: () => Promise<Fleet>;

  constructor(depot: ViewedDepot, clock: Clock) {
    this.#depot = depot;
    this.#clock = clock;
    const now = () => clock.now().getTime();
    this.#editions = kept(FRESH, now, () => depot.editionsWithDerivedStatus());
    this.#overview = kept(FRESH, now, () => this.#readOverview());
    this.#fleet = kept(FRESH, now, () => Fleet.of({ depot, clock }));
    this.#judgingFleet = kept(FRESH, now, async () => {
      const groups = await this.#groups();
      return (await Fleet.of({ depot, clock })).reading(groups.map(({ body }) => body));
    });
  }

  /** It may be some seconds old, and says so. */
  overview(): Promise<Overview> {
    return this.#overview();
  }

  async #readOverview(): Promise<Overview> {
    const { overview, runs } = this.#depot.store;
    const asOf = this.#now();
    const before = (milliseconds: number) => new Date(Date.parse(asOf) - milliseconds).toISOString();
    const [hour = 0, day = 0, week = 0, month = 0, all = 0] = await overview.contacts([
      before(HOUR),
      before(DAY),
      before(7 * DAY),
      before(30 * DAY),
      '',
    ]);
    const editions = await this.#editions();
    const moving = newest(editions, before(NEW_FOR * DAY));
    const troubles = await this.#troubles();
    const byComputer = [...(await overview.computers()).values()];
    const known = await runs.list({ open: false, alone: true });
    const counted: Record<Status, number> = { pilot: 0, live: 0, deprecated: 0, skipped: 0, missing: 0, archived: 0 };
    for (const { status } of editions) counted[status] += 1;
    const { archived: _none, ...inCatalog } = counted;
    return {
      asOf,
      computers: all,
      heard: [
        { within: 'hour', computers: hour },
        { within: 'day', computers: day - hour },
        { within: 'week', computers: week - day },
        { within: 'month', computers: month - week },
        { within: 'longer', computers: all - month },
      ],
      failing: byComputer.filter(({ failed }) => failed > 0).length,
      blocked: byComputer.filter(({ failed, blocked }) => failed === 0 && blocked > 0).length,
      editions: { ...inCatalog, archived: 0 },
      queued: {
        entries: byComputer.reduce((sum, { queued }) => sum + queued, 0),
        computers: byComputer.filter(({ queued }) => queued > 0).length,
      },
      runs: {
        open: known.filter(({ endedAt }) => endedAt === null).length,
        holding: known.filter(({ state }) => state === 'holding').length,
        failed: known.filter(({ state }) => state === 'failed').length,
      },
      moving: await this.#moving(moving.slice(0, MOST_MOVING)),
      moreMoving: Math.max(0, moving.length - MOST_MOVING),
      troubles: troubles.slice(0, MOST_TROUBLES),
      moreTroubles: Math.max(0, troubles.length - MOST_TROUBLES),
    };
  }

  async basenames(): Promise<BasenameList> {
    const { overview } = this.#depot.store;
    const asOf = this.#now();
    const counts = await overview.editions();
    const byId = new Map(counts.map((count) => [count.id, count]));
    const rows = new Map<string, BasenameRow>();
    const rowOf = (basename: string) => {
      const known = rows.get(basename);
      if (known !== undefined) return known;
      const made: BasenameRow = { basename, editions: [], installed: 0, queued: 0, troubled: 0 };
      rows.set(basename, made);
      return made;
    };
    for (const edition of await this.#editions())
      rowOf(edition.basename).editions.push(editionRow(edition, byId.get(edition.id)));
    for (const { basename, computers } of counts) rowOf(basename).installed += computers;
    for (const { basename, computers } of await overview.queues()) rowOf(basename).queued += computers;
    for (const { subject, computers } of await this.#troubles()) {
      const row = rows.get(subject);
      if (row !== undefined) row.troubled += computers;
    }
    return { asOf, basenames: [...rows.values()].toSorted((a, b) => compare(a.basename, b.basename)) };
  }

  /**
   * How far an edition has come.
   * @throws D3Error notFound `EDITION_NOT_FOUND`
   */
  async spread(id: number): Promise<Spread> {
    const asOf = this.#now();
    const editions = await this.#editions();
    const edition = editions.find((candidate) => candidate.id === id);
    if (edition === undefined) {
      throw new D3Error('EDITION_NOT_FOUND', 'notFound', `The catalog has no edition with the id ${id}.`, {
        target: String(id),
        actions: ['see what there is: d3admin show all'],
      });
    }
    const groups = await this.#groups();
    const fleet = await this.#fleetFor([edition], groups);
    const { basename } = edition;
    const had = await this.#had({ basenames: [basename] });
    const standing = standings(edition, fleet, groups, had);
    const installed = standing.flatMap(({ state, since }) => (state === 'installed' && since !== null ? [since] : []));
    const troubled = standing.flatMap(({ state, since }) =>
      (state === 'failed' || state === 'blocked') && since !== null ? [since] : [],
    );
    const counts = new Map((await this.#depot.store.overview.editions()).map((count) => [count.id, count]));
    const ordered = standing.toSorted((a, b) => urgency(a) - urgency(b) || compare(a.name, b.name));
    return {
      asOf,
      edition: {
        ...editionRow(edition, counts.get(id)),
        basename,
        description: edition.description,
        category: edition.category,
        autoGroups: edition.autoGroups.map((group) => groupName(group, groups)),
        excludedGroups: edition.excludedGroups.map((group) => groupName(group, groups)),
        reboot: edition.reboot,
        oses: edition.oses,
        cpu: edition.cpu,
      },
      siblings: editions
        .filter((other) => other.basename === basename && other.id !== id)
        .map((other) => ({
          id: other.id,
          edition: other.edition,
          status: other.status,
          installed: counts.get(other.id)?.computers ?? 0,
        })),
      states: countStandings(standing),
      series: spreadSeries({ installed, troubled, from: edition.addedAt, now: asOf, points: POINTS }),
      oddTimes: outside(installed, edition.addedAt, asOf),
      computers: ordered.slice(0, MOST),
      more: Math.max(0, ordered.length - MOST),
    };
  }

  /** @param search part of a name, serial number, id, user or place; empty: all */
  async computers(search: string): Promise<ComputerList> {
    const asOf = this.#now();
    const fleet = await this.#fleet();
    const counts = await this.#depot.store.overview.computers();
    const places = await this.#places();
    const wanted = search.trim().toLowerCase();
    const matching = fleet.computers
      .map((computer) => computerRow(computer, counts.get(computer.id), places))
      .filter((row) => wanted === '' || wordsOf(row).some((word) => word.toLowerCase().includes(wanted)));
    return { asOf, computers: matching.slice(0, MOST), total: matching.length };
  }

  /**
   * One computer's whole story.
   * @throws D3Error notFound `COMPUTER_NOT_FOUND`
   */
  async computer(id: string): Promise<ComputerStory> {
    const asOf = this.#now();
    const { computers, documents, overview } = {
      ...this.#depot.store,
      documents: (kind: 'ea') => this.#depot.store.documents(kind),
    };
    const groups = await this.#groups();
    const fleet = await Fleet.of({ depot: this.#depot, clock: this.#clock });
    const computer = fleet.byId(id.toLowerCase());
    if (computer === undefined) {
      throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', `The depot has no computer ${id}.`, {
        target: id,
        actions: ['see what there is: d3admin computer list'],
      });
    }
    await fleet.reading(
      groups.map(({ body }) => body),
      [computer.id],
    );
    const reports = await computers.reports(computer.id);
    const [newest] = reports;
    const said = computer.record?.body.attributes ?? {};
    const attributes = (await documents('ea').list()).flatMap(({ id: ea, name }) => {
      const value = said[String(ea)];
      return value === undefined ? [] : [[name, value] as const];
    });
    const counts = (await overview.computers()).get(computer.id);
    const { claims, firstContact } = computer;
    return {
      asOf,
      computer: {
        ...computerRow(computer, counts, await this.#places()),
        reportedName: computer.name,
        firstContact,
        hardwareUuid: claims.hardwareUuid,
        macs: claims.macs,
        model: newest?.model ?? null,
        provisioning: newest?.provisioning ?? {},
        attributes: Object.fromEntries(attributes),
        groups: groups.filter(({ body }) => fleet.isIn(body, computer)).map(({ name }) => name),
      },
      basenames: storyRows(
        computer,
        await this.#editions(),
        fleet,
        groups,
        await this.#had({ computers: [computer.id] }),
      ),
      reports: reports.map(({ run, at, command, exit, failure = null, outcomes }) => ({
        run,
        at,
        command,
        exit,
        failure,
        outcomes: outcomes.map(({ target, edition, status, reason }) => ({ target, edition, status, reason })),
      })),
    };
  }

  async queue(): Promise<QueueList> {
    const asOf = this.#now();
    const names = await this.#names();
    const entries = await this.#depot.store.computers.queued({ limit: Number.MAX_SAFE_INTEGER - 1 });
    const ordered = entries.toSorted((a, b) => compare(a.queuedAt, b.queuedAt));
    return {
      asOf,
      entries: ordered.slice(0, MOST).map((entry) => ({
        computer: { id: entry.computer.id, name: names.get(entry.computer.id) ?? entry.computer.name },
        lastContact: entry.asOf,
        basename: entry.basename,
        id: entry.id,
        edition: entry.edition,
        status: entry.status,
        piloting: entry.piloting,
        admin: entry.admin,
        queuedAt: entry.queuedAt,
      })),
      more: Math.max(0, ordered.length - MOST),
    };
  }

  async runs(): Promise<RunList> {
    return { asOf: this.#now(), runs: (await this.#depot.store.runs.list({ open: false, alone: true })).map(runRow) };
  }

  /** @throws D3Error notFound `RUN_NOT_FOUND` */
  async run(id: string): Promise<RunStory> {
    const asOf = this.#now();
    const { runs } = this.#depot.store;
    const run = await runs.get(id);
    if (run === null) {
      throw new D3Error(
        'RUN_NOT_FOUND',
        'notFound',
        `The depot has no run ${id}; the oldest that are over are dropped.`,
        {
          target: id,
          actions: ['see what there is: d3 run list'],
        },
      );
    }
    const [lines, family] = [await runs.lines(id), await runs.family(id)];
    return {
      asOf,
      run: runRow(run),
      steps: run.steps.map(stepRow),
      ...partsOf(family),
      lines: lines.slice(-MOST_LINES),
      earlierLines: Math.max(0, lines.length - MOST_LINES),
    };
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }

  #groups(): Promise<StoredDocument<GroupBody>[]> {
    return this.#depot.store.documents('group').list();
  }

  /** Reports of all computers are read only where a smart group asks for what is in them. */
  async #fleetFor(editions: readonly Edition[], groups: readonly StoredDocument<GroupBody>[]): Promise<Fleet> {
    const named = new Set(editions.flatMap(({ autoGroups, excludedGroups }) => [...autoGroups, ...excludedGroups]));
    const needsReports = groups.some(({ id, body }) => named.has(id) && body.kind === 'smart');
    return needsReports ? this.#judgingFleet() : this.#fleet();
  }

  async #names(): Promise<Map<string, string>> {
    return new Map((await this.#fleet()).computers.map(({ id, shownName }) => [id, shownName]));
  }

  async #places(): Promise<Map<number, string>> {
    const { store } = this.#depot;
    const all = [
      ...(await store.documents('department').list()),
      ...(await store.documents('building').list()),
      ...(await store.documents('site').list()),
    ];
    return new Map(all.map(({ id, name }) => [id, name]));
  }

  async #had(where: { basenames?: string[]; computers?: string[] }): Promise<Had> {
    const { computers } = this.#depot.store;
    const filter = { ...where, limit: Number.MAX_SAFE_INTEGER - 1 };
    return {
      installed: await computers.installed(filter),
      queued: await computers.queued(filter),
      problems: await computers.problems(filter),
    };
  }

  async #moving(editions: readonly Edition[]): Promise<MovingEdition[]> {
    if (editions.length === 0) return [];
    const groups = await this.#groups();
    const fleet = await this.#fleetFor(editions, groups);
    const had = await this.#had({ basenames: [...new Set(editions.map(({ basename }) => basename))] });
    return editions.map((edition) => {
      const { id, edition: name, basename, status } = edition;
      const of = <Row extends object>(rows: Row[], nameOf: (row: Row) => string) =>
        rows.filter((row) => nameOf(row) === basename);
      const own = {
        installed: of(had.installed, (row) => row.basename),
        queued: of(had.queued, (row) => row.basename),
        problems: of(had.problems, (row) => row.subject),
      };
      const states = countStandings(standings(edition, fleet, groups, own)).filter(({ computers }) => computers > 0);
      return {
        id,
        edition: name,
        basename,
        status,
        since: since(edition),
        states: states.map(({ state, computers }) => ({ state, computers })),
      };
    });
  }

  /** What is wrong, those alike counted together; the most common first. */
  async #troubles(): Promise<Trouble[]> {
    const all = new Map<string, Trouble>();
    for (const problem of await this.#depot.store.overview.problems(MOST_PROBLEMS)) {
      const { subject, status, since, computers, edition } = problem;
      const reason = reasonKey(status, problem.reason, problem.processes);
      const state = status === 'failed' || status === 'interrupted' ? 'failed' : 'blocked';
      const key = JSON.stringify([subject, edition, state, reason]);
      const known = all.get(key);
      if (known === undefined) all.set(key, { subject, edition, state, reason, computers, since });
      else {
        known.computers += computers;
        if (since < known.since) known.since = since;
      }
    }
    return [...all.values()].toSorted((a, b) => b.computers - a.computers || compare(a.subject, b.subject));
  }
}

/** Pilots, and live editions that were not so at that moment; the newest first. */
function newest(editions: readonly Edition[], then: string): Edition[] {
  return editions
    .filter(({ status, releasedAt }) => status === 'pilot' || (status === 'live' && (releasedAt ?? '') >= then))
    .toSorted((a, b) => compare(since(b), since(a)));
}

function since({ status, addedAt, releasedAt }: Edition): string {
  return status === 'pilot' ? addedAt : (releasedAt ?? addedAt);
}

/** In this order they need somebody, or are worth a look. */
const PART_STATES: readonly RunBrief['state'][] = ['failed', 'holding', 'running', 'waiting', 'cancelled', 'done'];

/** Runs that belong to one, those first that need somebody. */
function partsOf(family: readonly RunBrief[]): Pick<RunStory, 'parts' | 'partStates' | 'moreParts'> {
  const rank = ({ state }: RunBrief) => PART_STATES.indexOf(state);
  const ordered = family.toSorted((one, other) => rank(one) - rank(other));
  return {
    parts: ordered.slice(0, MOST).map(({ id, name, state, step, text, cursor, steps }) => {
      return { id, name, state, step, text, done: cursor, steps };
    }),
    partStates: PART_STATES.flatMap((state) => {
      const count = family.filter((one) => one.state === state).length;
      return count === 0 ? [] : [{ state, count }];
    }),
    moreParts: Math.max(0, family.length - MOST),
  };
}
