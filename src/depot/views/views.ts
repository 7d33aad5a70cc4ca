import { D3Error } from '@d3/sdk';
import { countStandings, outside, spreadSeries } from '../../catalog/spread.ts';
import { reasonKey, type Standing, type StandingInput, standingOf } from '../../catalog/standing.ts';
import type { Edition, GroupRef, Status } from '../../catalog/types.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Run, RunStep } from '../../runs/types.ts';
import type { GroupBody } from '../contract.ts';
import type { LocalDepot } from '../depot.ts';
import { Fleet, type FleetComputer } from '../fleet.ts';
import type {
  ComputerCounts,
  EditionCount,
  InstalledSomewhere,
  ProblemSomewhere,
  QueuedSomewhere,
  StoredDocument,
} from '../store/contract.ts';
import type {
  BasenameList,
  BasenameRow,
  ComputerList,
  ComputerRow,
  ComputerStory,
  EditionRow,
  MovingEdition,
  Overview,
  QueueList,
  RunList,
  RunRow,
  RunStory,
  Spread,
  SpreadComputer,
  StoryRow,
  Trouble,
} from './answers.ts';
import { kept } from './kept.ts';

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
  readonly #fleet: () => Promise<Fleet>;
  readonly #judgingFleet: () => Promise<Fleet>;

  constructor(depot: ViewedDepot, clock: Clock) {
    this.#depot = depot;
    this.#clock = clock;
    const now = () => clock.now().getTime();
    this.#editions = kept(FRESH, now, () => depot.editionsWithDerivedStatus());
    this.#fleet = kept(FRESH, now, () => Fleet.of({ depot, clock }));
    this.#judgingFleet = kept(FRESH, now, async () => {
      const groups = await this.#groups();
      return (await Fleet.of({ depot, clock })).reading(groups.map(({ body }) => body));
    });
  }

  async overview(): Promise<Overview> {
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
    const known = await runs.list();
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
    return { asOf: this.#now(), runs: (await this.#depot.store.runs.list()).map(runRow) };
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
    const lines = await runs.lines(id);
    return {
      asOf,
      run: runRow(run),
      steps: run.steps.map(stepRow),
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

/** What computers reported of some basenames. */
interface Had {
  installed: InstalledSomewhere[];
  queued: QueuedSomewhere[];
  problems: ProblemSomewhere[];
}

function editionRow(edition: Edition, count: EditionCount | undefined): EditionRow {
  const { id, edition: name, version, revision, status, addedAt, addedBy, releasedAt, releasedBy } = edition;
  return {
    id,
    edition: name,
    version,
    revision,
    status,
    addedAt,
    addedBy,
    releasedAt,
    releasedBy,
    installed: count?.computers ?? 0,
    piloting: count?.piloting ?? 0,
    frozen: count?.frozen ?? 0,
  };
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

/** How every computer that it concerns stands to an edition. */
function standings(
  edition: Edition,
  fleet: Fleet,
  groups: readonly StoredDocument<GroupBody>[],
  had: Had,
): SpreadComputer[] {
  const receipts = new Map(had.installed.map((row) => [row.computer.id, row]));
  const queues = new Map(had.queued.map((row) => [row.computer.id, row]));
  const problems = new Map(had.problems.map((row) => [row.computer.id, row]));
  const groupsOf = membership(edition, groups, fleet);
  return fleet.computers.flatMap((computer) => {
    const { id, shownName: name, lastContact } = computer;
    const receipt = receipts.get(id) ?? null;
    const queued = queues.get(id) ?? null;
    const problem = problems.get(id) ?? null;
    const standing = standingOf({ edition, computer, receipt, queued, problem, ...groupsOf(id) });
    if (standing === null) return [];
    return [
      {
        ...standing,
        id,
        name,
        lastContact,
        has: receipt?.edition ?? null,
        since: began(standing, receipt, queued, problem),
      },
    ];
  });
}

function began(
  { state }: Standing,
  receipt: { installedAt: string } | null,
  queued: { queuedAt: string } | null,
  problem: { since: string } | null,
): string | null {
  if (state === 'installed') return receipt?.installedAt ?? null;
  if (state === 'restart') return queued?.queuedAt ?? null;
  return state === 'failed' || state === 'blocked' ? (problem?.since ?? null) : null;
}

/** Tells which of an edition's groups a computer is in; each group is asked once. */
function membership(
  { autoGroups, excludedGroups }: Pick<Edition, 'autoGroups' | 'excludedGroups'>,
  groups: readonly StoredDocument<GroupBody>[],
  fleet: Fleet,
): (id: string) => Pick<StandingInput, 'autoGroups' | 'excludedGroups'> {
  const members = new Map(
    groups
      .filter(({ id }) => autoGroups.includes(id) || excludedGroups.includes(id))
      .map((group) => [group.id, { name: group.name, ids: new Set(fleet.members(group.body)) }]),
  );
  const here = (refs: readonly GroupRef[], id: string) =>
    refs.flatMap((ref) => {
      if (ref === 'standard') return ['standard'];
      const group = members.get(ref);
      return group?.ids.has(id) === true ? [group.name] : [];
    });
  return (id) => ({ autoGroups: here(autoGroups, id), excludedGroups: here(excludedGroups, id) });
}

function groupName(group: GroupRef, groups: readonly StoredDocument<GroupBody>[]): string {
  if (group === 'standard') return 'standard';
  return groups.find(({ id }) => id === group)?.name ?? `deleted group ${group}`;
}

/** What needs somebody comes first. */
const URGENCY = ['failed', 'blocked', 'pending', 'restart', 'held', 'unfit', 'installed'];
function urgency({ state }: Standing): number {
  return URGENCY.indexOf(state);
}

function computerRow(
  computer: FleetComputer,
  counts: ComputerCounts | undefined,
  places: ReadonlyMap<number, string>,
): ComputerRow {
  const { id, shownName, claims, os, cpu, d3, user, lastContact, record } = computer;
  const place = (said: number | null | undefined) =>
    said === null || said === undefined ? null : (places.get(said) ?? null);
  return {
    id,
    name: shownName,
    serial: claims.serial,
    os: { name: os.name, version: os.version },
    cpu,
    d3,
    user,
    department: place(record?.body.department),
    building: place(record?.body.building),
    site: place(record?.body.site),
    lastContact,
    receipts: counts?.receipts ?? 0,
    queued: counts?.queued ?? 0,
    failed: counts?.failed ?? 0,
    blocked: counts?.blocked ?? 0,
  };
}

function wordsOf({ id, name, serial, user, department, building, site, os }: ComputerRow): string[] {
  const words = [id, name, serial, user, department, building, site, `${os.name} ${os.version}`];
  return words.filter((word) => word !== null);
}

/** Each basename a computer has to do with, by name. */
function storyRows(
  computer: FleetComputer,
  editions: readonly Edition[],
  fleet: Fleet,
  groups: readonly StoredDocument<GroupBody>[],
  had: Had,
): StoryRow[] {
  const receipts = new Map(had.installed.map((row) => [row.basename, row]));
  const queues = new Map(had.queued.map((row) => [row.basename, row]));
  const problems = new Map(had.problems.map((row) => [row.subject, row]));
  const live = new Map(editions.flatMap((edition) => (edition.status === 'live' ? [[edition.basename, edition]] : [])));
  const byId = new Map(editions.map((edition) => [edition.id, edition]));
  const here = (refs: readonly GroupRef[]) =>
    refs.flatMap((ref) => {
      if (ref === 'standard') return ['standard'];
      const group = groups.find(({ id }) => id === ref);
      return group !== undefined && fleet.isIn(group.body, computer) ? [group.name] : [];
    });
  const basenames = new Set([...receipts.keys(), ...queues.keys(), ...problems.keys(), ...live.keys()]);
  return [...basenames].toSorted(compare).flatMap((basename) => {
    const receipt = receipts.get(basename) ?? null;
    const queued = queues.get(basename) ?? null;
    const problem = problems.get(basename) ?? null;
    const goal = live.get(basename) ?? null;
    const edition = goal ?? byId.get(receipt?.id ?? queued?.id ?? 0) ?? null;
    const groupsHere =
      edition === null
        ? { autoGroups: [], excludedGroups: [] }
        : { autoGroups: here(edition.autoGroups), excludedGroups: here(edition.excludedGroups) };
    const standing =
      edition === null ? null : standingOf({ edition, computer, receipt, queued, problem, ...groupsHere });
    if (receipt === null && queued === null && problem === null && standing === null) return [];
    return [
      {
        basename,
        standing,
        because: becauseOf({ receipt, queued, problem, goal, standing, ...groupsHere }),
        live: goal === null ? null : { id: goal.id, edition: goal.edition },
        receipt:
          receipt === null
            ? null
            : {
                id: receipt.id,
                edition: receipt.edition,
                status: receipt.status,
                piloting: receipt.piloting,
                frozen: receipt.frozen,
                admin: receipt.admin,
                installedAt: receipt.installedAt,
                attention: receipt.attention ?? null,
              },
        queued: queued === null ? null : { id: queued.id, edition: queued.edition, queuedAt: queued.queuedAt },
        problem:
          problem === null
            ? null
            : {
                edition: problem.edition,
                status: problem.status,
                reason: problem.reason,
                since: problem.since,
                at: problem.at,
              },
      },
    ];
  });
}

interface Because {
  receipt: InstalledSomewhere | null;
  queued: QueuedSomewhere | null;
  problem: ProblemSomewhere | null;
  goal: Edition | null;
  standing: Standing | null;
  autoGroups: readonly string[];
}

/** The chain of reasons a depot can give; `d3 explain` on the machine has the whole of it. */
function becauseOf({ receipt, queued, problem, goal, standing, autoGroups }: Because): string[] {
  const said: string[] = [];
  if (receipt !== null) {
    const { edition, piloting, frozen, admin, freeze, status, goneSince } = receipt;
    said.push(`${edition} was installed by ${admin}${piloting ? ' as a pilot' : ''}; it is ${status} now`);
    if (frozen) said.push(`frozen${freeze === undefined ? '' : ` by ${freeze.by}`}: sync leaves it as it is`);
    if (goneSince !== undefined) said.push('its edition is no longer in the depot');
  }
  if (goal === null) said.push('no edition of it is live: sync changes nothing');
  else if (receipt === null) {
    if (autoGroups.length > 0) said.push(`${goal.edition} is auto-installed on ${autoGroups.join(', ')}`);
    else said.push(`${goal.edition} is live and comes only by name`);
  } else if (receipt.id !== goal.id) {
    said.push(
      `${goal.edition} is live and ${goal.id > receipt.id ? 'newer' : 'older: a rollback'}${receipt.piloting && goal.id > receipt.id ? '; a pilot stays unless sync.pilots says update' : ''}`,
    );
  }
  if (queued !== null) said.push(`${queued.edition} was queued by ${queued.admin} and waits for a restart`);
  if (problem !== null) said.push(`${problem.status}: ${problem.reason ?? 'no reason was reported'}`);
  else if (standing !== null && standing.state !== 'installed' && standing.state !== 'restart')
    said.push(standing.reason);
  return said;
}

function runRow(run: Run): RunRow {
  const { id, origin, by, state, text, createdAt, endedAt, steps } = run;
  const done = steps.filter((step) => step.state !== 'pending' && step.state !== 'started').length;
  return { id, origin: origin.name, kind: origin.kind, by, state, text, createdAt, endedAt, steps: steps.length, done };
}

function stepRow({ step, state, attempts, startedAt, endedAt, text, problem }: RunStep): RunStory['steps'][number] {
  const next = problem === null || problem.actions.length === 0 ? '' : ` (${problem.actions.join('; ')})`;
  return {
    name: step.name ?? step.kind,
    kind: step.kind,
    state,
    attempts,
    startedAt,
    endedAt,
    text: `${text}${next}`,
  };
}

/** Byte order: a collation takes longer than all the rest. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
