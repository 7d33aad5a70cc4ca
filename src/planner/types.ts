import type { ExitName } from '@d3/sdk';
import type { OperatingSystem } from '../catalog/limits.ts';
import type { Edition, PackageFormat } from '../catalog/types.ts';
import type { Drift, Receipt } from './receipt.ts';

/** Everything a plan is made from besides the catalog: gathered once per run, frozen, kept. */
export interface Facts {
  schema: 'd3/facts@1';
  run: string;
  /** ISO 8601, UTC. */
  at: string;
  machine: {
    computerId: string;
    name: string;
    os: OperatingSystem;
    /** As the machine names it, e.g. `x86_64`, `arm64`. */
    cpu: string;
    /** Ids of the depot's groups this machine is in. */
    groups: number[];
    /** Full names of running processes. */
    processes: string[];
    /** Names of those of which only the first 15 bytes are known. */
    cutProcesses: string[];
    /** Formats of packages it can install; absent in records of older d3s. */
    formats?: PackageFormat[];
  };
  receipts: Receipt[];
  /** What somebody else changed behind d3, by the records of the system's own package manager; absent: nothing. */
  drift?: Drift[];
  /** What waits for a restart, one edition for each basename. */
  deferred: Deferred[];
  /** Basenames whose last action was cut and could not be finished yet. */
  interrupted: string[];
  /** Basenames that a run which is under way is busy with: the one this is part of, or one that whoever only looks has met. */
  inProgress: string[];
  /** Basenames that waited for processes to end when the last sync was over, and since when (ISO 8601, UTC). */
  waits: { basename: string; since: string }[];
  settings: PlannerSettings;
  /** Plugins that answer for an edition's scripts; empty: nobody runs scripts here. */
  scriptRunners: string[];
  /** What this d3 can do, against an edition's `requires`. */
  capabilities: string[];
}

export interface PlannerSettings {
  pilots: 'hold' | 'update';
  /** Whether processes that are in the way are asked to end (SIGTERM) before what they prohibit is done. */
  quitProcesses: 'off' | 'ask';
  /** Days of waiting for a process after which a sync says so; 0 never. */
  noticeDays: number;
}

interface Targets {
  targets: string[];
}

interface InstallOptions extends Targets {
  admin: string;
  force: boolean;
  /** Install packages that need a restart now; never restarts by itself. */
  puppies: boolean;
  freeze: boolean;
  /** Days, or null for the edition's own. */
  expiration: number | null;
}

export type Request =
  | ({ kind: 'install' | 'pilot' } & InstallOptions)
  | ({ kind: 'uninstall'; force: boolean } & Targets)
  | ({ kind: 'depilot'; force: boolean; leaveOff: boolean } & Targets)
  | ({ kind: 'freeze'; admin: string } & Targets)
  | ({ kind: 'thaw'; admin?: string } & Targets)
  | ({ kind: 'forget' } & Targets)
  /** `all` names everything that waits. `givenUp`: why it is not tried any more, where that is what takes it off. */
  | ({ kind: 'dequeue'; givenUp?: string } & Targets)
  | { kind: 'sync'; force: boolean; puppies: boolean };

export type InstallMode = 'install' | 'pilot' | 'update' | 'rollback' | 'reinstall' | 'auto-install' | 'put-back';

export interface InstallAction {
  kind: 'install';
  mode: InstallMode;
  edition: Edition;
  /** The receipt it takes the place of. */
  replaces: Receipt | null;
  /** Remove what `replaces` installed before installing. */
  removeFirst: boolean;
  piloting: boolean;
  displacedLive: boolean;
  admin: string;
  manual: boolean;
  customExpiration: number | null;
  freeze: boolean;
  force: boolean;
}

/** What may be done to a machine. Closed: nothing else ever is. */
export type Action =
  | InstallAction
  | {
      kind: 'uninstall';
      mode: 'uninstall' | 'depilot';
      receipt: Receipt;
      force: boolean;
      /** What its scripts see besides, where a plugin proposed it. */
      environment?: Record<string, string>;
    }
  /** Queue it for a restart. `instead`: the edition that leaves the queue for it. */
  | { kind: 'defer'; deferred: Deferred; instead: string | null }
  | { kind: 'dequeue'; basename: string; edition: string; givenUp?: string }
  | { kind: 'refresh'; basename: string; edition: string; changes: Partial<Receipt> }
  | { kind: 'forget'; basename: string; edition: string };

/** An install that waits for a restart (a puppy). What it takes the place of is seen when it is done. */
export interface Deferred extends Omit<InstallAction, 'kind' | 'replaces' | 'removeFirst'> {
  schema: 'd3/deferred@1';
  /** ISO 8601, UTC. */
  queuedAt: string;
  /** How often it was tried in vain, and why the last time; absent: never. */
  attempts?: number;
  lastFailure?: string;
}

/**
 * One link of the chain that led to a verdict. `code` and `data` say it to programs, `text` to people.
 * Every reason states something that is true of the facts and the catalog (a property the tests hold).
 */
export interface Reason {
  code: ReasonCode;
  text: string;
  data: Record<string, string | number | boolean | readonly string[] | readonly number[]>;
}

export type ReasonCode =
  | 'NOT_FOUND'
  | 'AMBIGUOUS'
  | 'EDITION_WANTED'
  | 'NO_LIVE_EDITION'
  | 'NAMED_TWICE'
  | 'NOT_A_PILOT'
  | 'INTERRUPTED'
  | 'MISSING_FILE'
  | 'STATUS'
  | 'INSTALLED'
  | 'NOT_INSTALLED'
  | 'INSTALLED_SAME'
  | 'INSTALLED_NEWER'
  | 'INSTALLED_OLDER'
  | 'LIVE_IS_NEWER'
  | 'LIVE_IS_OLDER'
  | 'PILOTING'
  | 'NOT_PILOTING'
  | 'ENLIVENED'
  | 'CHANGED_IN_DEPOT'
  | 'FROZEN'
  | 'ALREADY_FROZEN'
  | 'NOT_FROZEN'
  | 'NOT_REMOVABLE'
  | 'WRONG_OS'
  | 'WRONG_CPU'
  | 'EXCLUDED'
  | 'PROCESS_RUNNING'
  | 'ASKED_TO_QUIT'
  | 'NEEDS_NEWER_D3'
  | 'OVER_ITSELF'
  | 'WRONG_FORMAT'
  | 'DRIFTED'
  | 'SCRIPTS_UNANSWERED'
  | 'NEEDS_RESTART'
  | 'QUEUED'
  | 'ALREADY_QUEUED'
  | 'NOT_QUEUED'
  | 'QUEUE_OUTDATED'
  | 'GIVEN_UP'
  | 'AUTO_GROUP'
  | 'STANDARD'
  | 'NOT_AUTO'
  | 'NOT_ASKED'
  | 'REQUESTED'
  | 'PROPOSED'
  | 'IN_PROGRESS'
  | 'CHANGED_MEANWHILE'
  | 'EDITION_GONE'
  | 'EDITION_BACK'
  | 'LEFT_OVER'
  | 'LEFTOVER_ENDS'
  | 'PUTS_BACK_LIVE'
  | 'LEAVES_OFF'
  | 'NOTHING_TO_PUT_BACK';

/**
 * `act`: do the action. `nothing`: all is as wanted. `held`: something of this machine stands against it for now, no failure.
 * `blocked`: it cannot be done until an admin mends something. `refused`: what was asked for breaks a rule.
 */
export type Verdict = 'act' | 'nothing' | 'held' | 'blocked' | 'refused';

export interface Decision {
  /** As typed, or the basename in a sync. */
  target: string;
  basename: string | null;
  edition: string | null;
  verdict: Verdict;
  action: Action | null;
  reasons: Reason[];
  /** The reason a held one waits for first; null otherwise. */
  because: ReasonCode | null;
  /** Why it was refused or blocked, and what to do next; null otherwise. */
  problem: { code: ReasonCode; exit: ExitName; actions: string[] } | null;
}

export interface Plan {
  schema: 'd3/plan@1';
  run: string;
  decisions: Decision[];
  /** Things an admin should know that stop nothing, e.g. a deleted group. */
  warnings: string[];
}
