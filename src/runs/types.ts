import type { ExitName, Json } from '@d3/sdk';

/** The words of steps and runs. Everything that takes more than one step speaks in these. */

/** Something about facts that holds or does not. A fact is named by its path: `machine.os.name`. */
export type Condition =
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }
  | {
      fact: string;
      is?: string | number | boolean | null;
      oneOf?: (string | number)[];
      has?: string | number;
      exists?: boolean;
    };

export interface Retries {
  /** How often a failed step is tried again. */
  times: number;
  /** Seconds before the first further try. */
  wait: number;
  /** By how much each wait is longer than the one before. */
  factor: number;
  /** Seconds a wait has at most. */
  most: number;
}

export type OnFailure = 'continue' | 'hold' | 'stop';

/** One step as it is written down. */
export interface Step {
  kind: string;
  args: Record<string, Json>;
  /** For people; else the kind. */
  name?: string;
  /** Seconds; null: its kind's own limit. */
  timeout?: number | null;
  /** A number is just how often, with the usual waits. */
  retries?: number | Partial<Retries>;
  /** Whether the run fails when this step does; true unless said. */
  required?: boolean;
  /** What the run does when it fails: `stop` for a required one unless said, else `continue`. */
  onFailure?: OnFailure;
  /** The step is left out where this does not hold when its turn comes. */
  when?: Condition;
}

/** `pending`: its turn has not come, or it waits for another try. `started`: nobody can say whether it is done. */
type StepState = 'pending' | 'started' | 'done' | 'failed' | 'skipped';

export interface Problem {
  code: string;
  exit: ExitName;
  actions: string[];
}

/** A step of a run, with what became of it. */
export interface RunStep {
  step: Step;
  state: StepState;
  /** How often it was begun. */
  attempts: number;
  /** How often it failed since it was last asked for by the run or a person. */
  failures: number;
  /** ISO 8601, UTC; null while it has not. */
  startedAt: string | null;
  endedAt: string | null;
  /** Not before this moment it is tried again. */
  notBefore: string | null;
  /** What came of it, in words. */
  text: string;
  problem: Problem | null;
  /** Who left it out, and why; null unless it was. */
  skipped: Decided | null;
  /** What its kind wrote down to find its way after a cut. */
  data: Json;
}

/** Who decided something, when and why. */
export interface Decided {
  by: string;
  at: string;
  why: string;
}

/** `waiting`: for a restart of the machine, or another run. `holding`: for a person. The last three are ends. */
export type RunState = 'running' | 'waiting' | 'holding' | 'done' | 'failed' | 'cancelled';

export interface Lease {
  /** Whoever advances the run. */
  owner: string;
  /** ISO 8601: then anybody may take it. */
  until: string;
  /** Grows by one each time it is taken: an owner from before knows that it lost it. */
  generation: number;
}

/** What a run was made from. */
export interface Origin {
  kind: 'policy' | 'provisioning' | 'deployment' | 'other';
  /** Id of the document; null when there is none. */
  id: number | null;
  name: string;
  /** What set it off; null when it was asked for by name. */
  event: string | null;
}

/** Steps, how far they have come, and who advances them. The record is the truth: it is saved before and after every transition. */
export interface Run {
  schema: 'd3/step-run@1';
  id: string;
  origin: Origin;
  /** The run of which this one is a step; null when it stands by itself. */
  parent: string | null;
  /** Who asked for it. */
  by: string;
  createdAt: string;
  endedAt: string | null;
  state: RunState;
  /** Why it waits or holds, or how it ended. */
  text: string;
  /** Place of the step whose turn it is; as many as there are steps: all had theirs. */
  cursor: number;
  steps: RunStep[];
  /** What scripts of this run see besides what all see. */
  environment: Record<string, string>;
  /** Set by a person; whoever advances the run sees it and stops. */
  cancel: Decided | null;
  lease: Lease | null;
  /** How often the lease was taken. */
  leases: number;
  /** Grows by one with every save. */
  generation: number;
}

export interface LogLine {
  /** ISO 8601, UTC. */
  at: string;
  /** Place of the step it is about; null: the run. */
  step: number | null;
  text: string;
}

export interface KeptLine extends LogLine {
  /** Grows with every line of the store. */
  id: number;
}

/** Lines of a run that are kept; the oldest go first. */
export const LINES_KEPT = 5000;
/** Runs that are over and are kept, the newest. */
export const ENDED_KEPT = 100;

/** A run in short: what is told of each of very many. */
export interface RunBrief {
  id: string;
  /** The run it belongs to; null when it stands by itself. */
  parent: string | null;
  /** What it was made from. */
  name: string;
  state: RunState;
  /** Why it waits or holds, or how it ended; else what its step said last. */
  text: string;
  /** Place of the step whose turn it is, how many there are, and what that one is called; null when all had theirs. */
  cursor: number;
  steps: number;
  step: string | null;
  /** ISO 8601, UTC. */
  createdAt: string;
  endedAt: string | null;
  /** Who ended it before it was done; null unless somebody did. */
  cancel: Decided | null;
}

/** Which runs are to be advanced. */
export interface ReadyRuns {
  /** ISO 8601, UTC: the moment at which it is asked; left out: now, by the clock of whoever keeps them. */
  at?: string;
  /** Only a run and those that belong to it. */
  family?: string;
  /** At most so many, those that wait longest. */
  limit: number;
}

/** Where runs are kept. One contract suite (test/runs/store-contract.ts) holds every one of them. */
export interface RunStore {
  /** @throws D3Error refused `RUN_EXISTS` */
  create(run: Run): Promise<void>;
  /** @throws D3Error `SCHEMA_NEWER` for one that a newer d3 wrote */
  get(id: string): Promise<Run | null>;
  /** The newest first. @param options `alone`: only those that belong to no other */
  list(options?: { open: boolean; alone?: boolean }): Promise<Run[]>;
  /** The runs that belong to one, by their ids. */
  family(parent: string): Promise<RunBrief[]>;
  /** Ids of runs that nobody advances and whose time has come: none that holds, waits for something else or is over. */
  ready(wanted: ReadyRuns): Promise<string[]>;
  /**
   * Replaces a run whose generation is still the one the caller saw; it is saved with the next.
   * @returns false when somebody else was faster
   */
  save(run: Run, generation: number): Promise<boolean>;
  append(id: string, lines: readonly LogLine[]): Promise<void>;
  /** @param after only lines with a higher id */
  lines(id: string, after?: number): Promise<KeptLine[]>;
}

/** How one try of a step ended. */
export type StepEnd =
  | { kind: 'done'; text: string }
  | { kind: 'failed'; text: string; problem: Problem }
  /** A person has to look at it. */
  | { kind: 'hold'; text: string }
  /** It goes on elsewhere, as a restart does: the run is let go of, and the step is asked later whether it is done. */
  | { kind: 'leave'; text: string }
  /** What it waits for is not there yet: it is run again after so many seconds. That is no failure, and may go on for days. */
  | { kind: 'later'; text: string; seconds: number };

/** What a step has to work with. */
export interface StepContext {
  run: Run;
  /** Place of the step. */
  index: number;
  /** What was written down by {@link keep} before. */
  data: Json;
  /** Writes something down before the step does what it has to remember. */
  keep: (data: Json) => Promise<void>;
  /** A line for the log of the run. */
  say: (text: string) => void;
  /** What is so now. */
  facts: () => Promise<Json>;
  /** Aborted when its time is up, the run is cancelled or d3 is stopped. */
  signal: AbortSignal;
}

/** What a kind of step is. */
export interface StepKind {
  kind: string;
  /** JSON Schema (draft-07) of its args. */
  schema: object;
  /** Seconds it has unless the step says otherwise; null: as long as it takes. */
  timeout: number | null;
  run(context: StepContext, args: Record<string, Json>): Promise<StepEnd>;
  /**
   * Whether a step that was begun has done its work already.
   * @returns how, in words; null: it has to be run again
   */
  settled(context: StepContext, args: Record<string, Json>): Promise<string | null>;
}

/** Kinds by their names. */
export type StepKinds = ReadonlyMap<string, StepKind>;

export const OVER: readonly RunState[] = ['done', 'failed', 'cancelled'];

export function isOver({ state }: Pick<Run, 'state'>): boolean {
  return OVER.includes(state);
}

export function nameOf({ name, kind }: Step): string {
  return name ?? kind;
}
