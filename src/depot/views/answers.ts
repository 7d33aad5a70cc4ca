import type { SpreadPoint, StandingCount } from '../../catalog/spread.ts';
import type { Standing, StandingState } from '../../catalog/standing.ts';
import type { Status } from '../../catalog/types.ts';

/** What the page is told; read by the server and the page alike. Times are ISO 8601 in UTC. */

/** Every answer says when it was true: ages are told from that, whatever the clock of whoever looks says. */
export interface AsOf {
  asOf: string;
}

export interface Overview extends AsOf {
  computers: number;
  /** Computers by when they were last heard of: within an hour, a day, a week, 30 days, and before. */
  heard: { within: 'hour' | 'day' | 'week' | 'month' | 'longer'; computers: number }[];
  /** Computers with something that failed, and with something that is blocked. */
  failing: number;
  blocked: number;
  editions: Record<Status, number>;
  /** Entries of puppy queues, on how many computers. */
  queued: { entries: number; computers: number };
  runs: { open: number; holding: number; failed: number };
  /** Pilots, and what went live within 30 days; the newest first, and how many older ones are not shown. */
  moving: MovingEdition[];
  moreMoving: number;
  /** What computers say is wrong, the most common first. */
  troubles: Trouble[];
  /** Of all troubles, how many are shown. */
  moreTroubles: number;
}

export interface MovingEdition {
  id: number;
  edition: string;
  basename: string;
  status: Status;
  /** When it went live, else when it was added. */
  since: string;
  /** How the computers stand that it concerns; those nobody is in are left out. */
  states: { state: StandingState; computers: number }[];
}

export interface Trouble {
  subject: string;
  edition: string | null;
  state: Extract<StandingState, 'failed' | 'blocked'>;
  reason: string;
  computers: number;
  /** When the first of them said so. */
  since: string;
}

export interface BasenameList extends AsOf {
  basenames: BasenameRow[];
}

export interface BasenameRow {
  basename: string;
  /** Oldest first; archived and deleted ones are not among them. */
  editions: EditionRow[];
  /** Computers that have any edition of it, those too that are no longer in the depot. */
  installed: number;
  queued: number;
  troubled: number;
}

export interface EditionRow {
  id: number;
  edition: string;
  version: string;
  revision: number;
  status: Status;
  addedAt: string;
  addedBy: string;
  releasedAt: string | null;
  releasedBy: string | null;
  /** Computers that have it. */
  installed: number;
  piloting: number;
  frozen: number;
}

/** How far one edition has come. */
export interface Spread extends AsOf {
  edition: EditionRow & {
    basename: string;
    description: string;
    category: string | null;
    autoGroups: string[];
    excludedGroups: string[];
    reboot: boolean;
    oses: string[];
    cpu: string | null;
  };
  siblings: Pick<EditionRow, 'id' | 'edition' | 'status' | 'installed'>[];
  states: StandingCount[];
  series: SpreadPoint[];
  /** Receipts whose time cannot be: before the edition was there, or still to come. */
  oddTimes: number;
  /** Those with trouble first; at most so many as `computers` has. */
  computers: SpreadComputer[];
  /** Computers that are not listed. */
  more: number;
}

export interface SpreadComputer extends Standing {
  id: string;
  name: string;
  lastContact: string;
  /** What it has of the basename. */
  has: string | null;
  /** When it got it, or when its trouble or its waiting began. */
  since: string | null;
}

export interface ComputerList extends AsOf {
  computers: ComputerRow[];
  /** How many match, listed or not. */
  total: number;
}

export interface ComputerRow {
  id: string;
  name: string;
  serial: string | null;
  os: { name: string; version: string };
  cpu: string;
  d3: string;
  user: string | null;
  department: string | null;
  building: string | null;
  site: string | null;
  lastContact: string;
  receipts: number;
  queued: number;
  failed: number;
  blocked: number;
}

/** One computer's whole story. */
export interface ComputerStory extends AsOf {
  computer: ComputerRow & {
    /** As it calls itself. */
    reportedName: string;
    firstContact: string;
    hardwareUuid: string | null;
    macs: string[];
    model: string | null;
    provisioning: Record<string, string>;
    attributes: Record<string, string>;
    groups: string[];
  };
  /** Each basename it has, waits for, has trouble with, or is meant to have. */
  basenames: StoryRow[];
  reports: StoryReport[];
}

export interface StoryRow {
  basename: string;
  /** How it stands to the live edition, or to what it has where none is live. */
  standing: Standing | null;
  /** What can be said of why, a sentence each; the machine itself knows more. */
  because: string[];
  live: { id: number; edition: string } | null;
  receipt: {
    id: number;
    edition: string;
    status: Status;
    piloting: boolean;
    frozen: boolean;
    admin: string;
    installedAt: string;
    attention: string | null;
  } | null;
  queued: { id: number; edition: string; queuedAt: string } | null;
  problem: { edition: string | null; status: string; reason: string | null; since: string; at: string } | null;
}

export interface StoryReport {
  run: string;
  at: string;
  command: string;
  exit: number;
  failure: string | null;
  outcomes: { target: string; edition: string | null; status: string; reason: string | null }[];
}

export interface QueueList extends AsOf {
  entries: QueueRow[];
  /** Entries that are not listed. */
  more: number;
}

export interface QueueRow {
  computer: { id: string; name: string };
  lastContact: string;
  basename: string;
  id: number;
  edition: string;
  status: Status;
  piloting: boolean;
  admin: string;
  queuedAt: string;
}

export interface RunList extends AsOf {
  runs: RunRow[];
}

export interface RunRow {
  id: string;
  origin: string;
  kind: string;
  by: string;
  state: string;
  text: string;
  createdAt: string;
  endedAt: string | null;
  steps: number;
  /** Steps that had their turn. */
  done: number;
}

export interface RunStory extends AsOf {
  run: RunRow;
  steps: {
    name: string;
    kind: string;
    state: string;
    attempts: number;
    startedAt: string | null;
    endedAt: string | null;
    text: string;
  }[];
  /** Runs that belong to it, as those of hosts do to a deployment's: what needs somebody first, then what is under way. */
  parts: {
    id: string;
    name: string;
    state: string;
    /** The step whose turn it is; null: all had theirs. */
    step: string | null;
    text: string;
    done: number;
    steps: number;
  }[];
  /** How many there are in each state, and those that are not listed. */
  partStates: { state: string; count: number }[];
  moreParts: number;
  lines: { id: number; at: string; step: number | null; text: string }[];
  /** Lines before those that are listed. */
  earlierLines: number;
}

export type { SpreadPoint, StandingCount, StandingState, Status };
