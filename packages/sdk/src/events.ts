/**
 * The events of d3's bus, as data and as types. A plugin declares a hook file for an event in `oclif.hooks` of its
 * package.json and exports a handler made with {@link defineHook}; everything a handler gets or gives is plain data.
 */

import { type ProvisioningQuestion, provisioningAnswerProblem } from './provisioning.ts';

/** Plain data: what may cross the bus. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A script as an edition pins it. */
export interface PinnedScript {
  id: number;
  name: string;
  /** SHA-256 of its bytes, lower-case hex: its identity. */
  sha256: string;
  /** Bytes. */
  size: number;
}

/** What is about to happen to an edition on this machine, or has happened. */
export interface ActionPayload {
  basename: string;
  edition: string;
  /** The script of this moment, which has to be answered for; null when the edition names none. */
  script: PinnedScript | null;
  /** The script of the moment after, which somebody has to take on before core goes on; null when there is none. */
  later: PinnedScript | null;
  /** Variables a script of this moment sees. */
  environment: Readonly<Record<string, string>>;
  machine: {
    /** Absolute path of the root: what scripts know as the mount point. */
    root: string;
    name: string;
    /** Who sits at the machine; null when nobody does. */
    user: string | null;
  };
}

/**
 * What became of a script. `later`: not run yet, but taken on for the moment after.
 * Core goes on only when every script the edition names was answered for, by the hash of what really ran.
 */
export interface Evidence {
  /** SHA-256 of the bytes that ran, or that will. */
  ran: string;
  outcome: 'ok' | 'settled' | 'refused' | 'failed' | 'later';
}

/**
 * What a gate says. `proceed`; `refuse` with the reason; `settle`: take the work as done without the installer
 * (a script that exits 111).
 */
export type GateAnswer =
  | { kind: 'proceed'; evidence: readonly Evidence[] }
  | { kind: 'settle'; reason: string; evidence: readonly Evidence[] }
  | { kind: 'refuse'; reason: string; evidence: readonly Evidence[]; cause: 'script' | 'rule' };

/** What is said after the fact; it undoes nothing. */
export interface AfterAnswer {
  evidence: readonly Evidence[];
  /** Why the receipt needs attention; null when all is well. */
  attention: string | null;
}

/** What facts are gathered for. */
export interface FactsPayload {
  /** ISO 8601. */
  at: string;
  /** As in {@link PlanPayload}: `sync` is the only one that takes up actions. */
  request: PlanPayload['request'];
  /** In a sync, as they are once they have taken over what the depot changed of their editions. */
  receipts: readonly PlanReceipt[];
}

/** What a plan is made from, frozen. */
export interface PlanPayload {
  /** ISO 8601, UTC. */
  at: string;
  request: { kind: string; force: boolean };
  machine: {
    name: string;
    os: { name: string; version: string };
    cpu: string;
    groups: readonly string[];
    processes: readonly string[];
  };
  /** In a sync, as they are once they have taken over what the depot changed of their editions. */
  receipts: readonly PlanReceipt[];
  /** What plugins gathered in `d3:facts`, by plugin. */
  facts: Readonly<Record<string, Json>>;
}

export interface PlanReceipt {
  basename: string;
  edition: string;
  id: number;
  piloting: boolean;
  frozen: boolean;
  removable: boolean;
  /** Days of disuse; 0 never. */
  expiration: number;
  expirationPaths: readonly string[];
  /** When it ends whether it is used or not: its last day (`2027-06-30`, UTC), or days after the install; null: never. */
  firmExpiration: { on: string } | { days: number } | null;
  installedAt: string;
}

/**
 * What a plugin wants done. An action of core's closed union, a hold or a refusal; core checks it, carries it out,
 * records and reports it, and a plugin never does so itself.
 */
export type Proposal =
  | {
      kind: 'uninstall';
      basename: string;
      reason: string;
      /** What its scripts see besides: names that begin with `D3_`, none of them one that d3 sets itself. */
      environment?: Readonly<Record<string, string>>;
    }
  | { kind: 'install'; edition: string; reason: string }
  | { kind: 'forget'; basename: string; reason: string }
  | { kind: 'hold'; basename: string; reason: string }
  /** Says why nothing is done to something installed; it changes nothing, and `d3 explain` shows it. */
  | { kind: 'note'; basename: string; reason: string }
  | { kind: 'refuse'; basename: string; reason: string };

/** What a run did, for those who only want to know. */
export interface RunPayload {
  run: string;
  exit: number;
  outcomes: readonly { target: string; edition: string | null; status: string; text: string }[];
}

/** What was queued for a restart. */
export interface DeferredPayload {
  /** Editions queued in this run. */
  editions: readonly string[];
  /** All that waits now, these among it. */
  queue: readonly string[];
}

/** An edition of the depot, for announcing or mirroring. */
export interface EditionPayload {
  id: number;
  basename: string;
  version: string;
  revision: number;
  edition: string;
  by: string;
  /** Of a deletion: the package stays where it is mirrored, in Jamf for one. */
  keepInJss?: boolean;
}

/** What is asked of whoever runs policies: one of them, or all of an event. */
export interface PolicyPayload {
  /** A name, an id or an event, as it was asked for. */
  event: string;
  /** What its scripts see besides what all see. */
  environment: Readonly<Record<string, string>>;
}

/** `handled: false`: it is not mine. A real answer is final: nobody after it is asked, core neither. */
export type PolicyAnswer =
  | { handled: false }
  | {
      handled: true;
      /** The exit code it stands for; 0 unless said. */
      exit?: number;
      /** What came of it, in words. */
      text?: string;
    };

/** A kind of step that a plugin brings. */
export interface StepKindOffer {
  /** Lower-case letters, digits and hyphens, beginning with a letter. Not one of core's own. */
  kind: string;
  summary: string;
  /** JSON Schema (draft-07) of its args: a step that does not fit is refused before anything runs. */
  schema: { readonly [key: string]: Json };
  /** Seconds a step has unless it says otherwise; an hour unless said, a day at most. */
  timeout?: number;
}

/** How the deployment of this machine stands. */
export interface ProvisioningState {
  /** As smart groups know it: `holding`, `deploying`, `deployed`, `releasing`, `released`, `cancelled`. */
  state: string;
}

/** One step that is to be run, or was begun. */
export interface StepPayload {
  kind: string;
  args: { readonly [key: string]: Json };
  /** Id of the run it belongs to. */
  run: string;
  /** Its place in the run, from 0. */
  index: number;
  /** How often it was begun, this time among them. */
  attempt: number;
  environment: Readonly<Record<string, string>>;
  machine: ActionPayload['machine'];
  /** What the step remembered when it answered `later`; null at first, and after it failed. */
  data: Json;
}

/**
 * What came of a step; `handled: false`: the kind is not mine. `leave`: it goes on without d3, as a restart does; whoever takes the run
 * up asks whether it is settled. `later`: what it waits for is not there yet; it is run again after so many seconds, from 0 to a
 * day, for as long as it takes, and between two times nothing of it runs.
 */
export type StepAnswer =
  | { handled: false }
  | { handled: true; outcome: 'done' | 'failed' | 'hold' | 'leave'; text: string }
  | { handled: true; outcome: 'later'; text: string; seconds: number; data?: Json };

/** Whether a step that was begun before a cut has done its work; `handled: false`: the kind is not mine. */
export type SettledAnswer = { handled: false } | { handled: true; settled: boolean; text: string };

/** Every event with what its handlers get and give. */
export interface EventMap {
  'd3:facts': { payload: FactsPayload; answer: Json };
  'd3:plan': { payload: PlanPayload; answer: readonly Proposal[] };
  'd3:install:before': { payload: ActionPayload; answer: GateAnswer };
  'd3:uninstall:before': { payload: ActionPayload; answer: GateAnswer };
  'd3:install:after': { payload: ActionPayload; answer: AfterAnswer };
  'd3:uninstall:after': { payload: ActionPayload; answer: AfterAnswer };
  'd3:deferred': { payload: DeferredPayload; answer: void };
  'd3:sync:before': { payload: { run: string }; answer: GateAnswer };
  'd3:sync:after': { payload: RunPayload; answer: void };
  'd3:policy': { payload: PolicyPayload; answer: PolicyAnswer };
  'd3:steps': { payload: { at: string }; answer: readonly StepKindOffer[] };
  'd3:step:run': { payload: StepPayload; answer: StepAnswer };
  'd3:step:settled': { payload: StepPayload; answer: SettledAnswer };
  'd3:edition:added': { payload: EditionPayload; answer: void };
  'd3:edition:live': { payload: EditionPayload; answer: void };
  'd3:edition:edited': { payload: EditionPayload; answer: void };
  'd3:edition:delete': { payload: EditionPayload; answer: GateAnswer };
  'd3:edition:deleted': { payload: EditionPayload; answer: void };
  /** Facts, which are texts by name, answer `read`; `handled: false`: somebody else knows. */
  'd3:provisioning': { payload: ProvisioningQuestion; answer: Json };
  /** It comes again, also with the same: whoever passes it on knows what they did pass on. */
  'd3:provisioning:state': { payload: ProvisioningState; answer: void };
}

export type EventName = keyof EventMap;

/**
 * `gather`: everybody is asked, all answers count. `gate`: the first refusal ends it; an error, a time-out or a missing
 * file is a refusal. `notify`: everybody is told. `handler`: the first real answer counts.
 */
export type EventKind = 'gather' | 'gate' | 'notify' | 'handler';

/** One row of the event table. */
export interface EventRow {
  name: EventName;
  kind: EventKind;
  /** Milliseconds each plugin has. */
  timeout: number;
  /** Handlers must answer at once, without a promise, from the payload alone. */
  synchronous: boolean;
  summary: string;
  /** @returns what is wrong with an answer, or null */
  check(answer: unknown): string | null;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
/** Seconds. */
const LONGEST_STEP = 86_400;

/** The event table: the one place that says what an event is. */
export const EVENTS: readonly EventRow[] = [
  {
    name: 'd3:facts',
    kind: 'gather',
    timeout: 30 * SECOND,
    synchronous: false,
    summary: 'gather facts for the plan',
    check: checkJson,
  },
  {
    name: 'd3:plan',
    kind: 'gather',
    timeout: 5 * SECOND,
    synchronous: true,
    summary: 'propose actions, holds and refusals',
    check: checkProposals,
  },
  {
    name: 'd3:install:before',
    kind: 'gate',
    timeout: HOUR,
    synchronous: false,
    summary: 'gate an install',
    check: checkGate,
  },
  {
    name: 'd3:uninstall:before',
    kind: 'gate',
    timeout: HOUR,
    synchronous: false,
    summary: 'gate a removal',
    check: checkGate,
  },
  {
    name: 'd3:install:after',
    kind: 'gather',
    timeout: HOUR,
    synchronous: false,
    summary: 'work after an install',
    check: checkAfter,
  },
  {
    name: 'd3:uninstall:after',
    kind: 'gather',
    timeout: HOUR,
    synchronous: false,
    summary: 'work after a removal',
    check: checkAfter,
  },
  {
    name: 'd3:deferred',
    kind: 'notify',
    timeout: HOUR,
    synchronous: false,
    summary: 'something waits for a restart',
    check: anything,
  },
  {
    name: 'd3:sync:before',
    kind: 'gate',
    timeout: 60 * SECOND,
    synchronous: false,
    summary: 'gate a sync',
    check: checkGate,
  },
  {
    name: 'd3:sync:after',
    kind: 'notify',
    timeout: HOUR,
    synchronous: false,
    summary: 'a sync has ended',
    check: anything,
  },
  {
    name: 'd3:policy',
    kind: 'handler',
    timeout: HOUR,
    synchronous: false,
    summary: 'run a policy or event',
    check: checkHandled,
  },
  {
    name: 'd3:steps',
    kind: 'gather',
    timeout: 5 * SECOND,
    synchronous: false,
    summary: 'offer kinds of steps',
    check: checkOffers,
  },
  {
    name: 'd3:step:run',
    kind: 'handler',
    timeout: LONGEST_STEP * SECOND,
    synchronous: false,
    summary: 'run a step',
    check: checkStep,
  },
  {
    name: 'd3:step:settled',
    kind: 'handler',
    timeout: 60 * SECOND,
    synchronous: false,
    summary: 'is a begun step done?',
    check: checkSettled,
  },
  {
    name: 'd3:edition:added',
    kind: 'notify',
    timeout: HOUR,
    synchronous: false,
    summary: 'an edition was added',
    check: anything,
  },
  {
    name: 'd3:edition:live',
    kind: 'notify',
    timeout: HOUR,
    synchronous: false,
    summary: 'an edition went live',
    check: anything,
  },
  {
    name: 'd3:edition:edited',
    kind: 'notify',
    timeout: HOUR,
    synchronous: false,
    summary: 'an edition was edited',
    check: anything,
  },
  {
    name: 'd3:edition:delete',
    kind: 'gate',
    timeout: 10 * 60 * SECOND,
    synchronous: false,
    summary: 'gate the deletion of an edition',
    check: checkGate,
  },
  {
    name: 'd3:edition:deleted',
    kind: 'notify',
    timeout: HOUR,
    synchronous: false,
    summary: 'an edition was deleted',
    check: anything,
  },
  {
    name: 'd3:provisioning',
    kind: 'handler',
    timeout: 60 * SECOND,
    synchronous: false,
    summary: 'read or write provisioning info',
    check: (answer) => checkJson(answer) ?? provisioningAnswerProblem(answer),
  },
  {
    name: 'd3:provisioning:state',
    kind: 'notify',
    timeout: 6 * 60 * SECOND,
    synchronous: false,
    summary: 'how the deployment of this machine stands',
    check: anything,
  },
];

/** @throws Error when there is no such event; types forbid it */
export function eventRow(name: EventName): EventRow {
  const row = EVENTS.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`there is no event ${name}`);
  return row;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function anything(): null {
  return null;
}

const MAX_DEPTH = 32;

function checkJson(answer: unknown): string | null {
  return isJson(answer, 0) ? null : 'it must answer with plain data';
}

function isJson(value: unknown, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every((part) => isJson(part, depth + 1));
  if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((part) => isJson(part, depth + 1));
}

const OUTCOMES = ['ok', 'settled', 'refused', 'failed', 'later'];

function evidenceProblem(evidence: unknown): string | null {
  if (!Array.isArray(evidence)) return 'evidence must be a list';
  const good = evidence.every(
    (item) =>
      isObject(item) && /^[0-9a-f]{64}$/.test(String(item['ran'])) && OUTCOMES.includes(String(item['outcome'])),
  );
  return good ? null : 'each evidence is {ran: SHA-256 in hex, outcome}';
}

function checkGate(answer: unknown): string | null {
  if (!isObject(answer)) return 'a gate must answer proceed, settle or refuse';
  const { kind, reason, cause } = answer;
  if (kind === 'proceed') return evidenceProblem(answer['evidence']);
  if (kind !== 'settle' && kind !== 'refuse') return 'a gate must answer proceed, settle or refuse';
  if (typeof reason !== 'string' || reason === '') return `${kind} must give its reason`;
  if (kind === 'refuse' && cause !== 'script' && cause !== 'rule')
    return 'a refusal must say whether a script or a rule is its cause';
  return evidenceProblem(answer['evidence']);
}

function checkAfter(answer: unknown): string | null {
  if (!isObject(answer)) return 'it must answer {evidence, attention}';
  const { attention } = answer;
  if (attention !== null && typeof attention !== 'string') return 'attention must be a text or null';
  return evidenceProblem(answer['evidence']);
}

function checkHandled(answer: unknown): string | null {
  if (!isObject(answer) || typeof answer['handled'] !== 'boolean') return 'it must answer {handled: true or false}';
  const { exit = 0, text = '' } = answer;
  if (!Number.isInteger(exit) || (exit as number) < 0 || (exit as number) > 255) return 'exit must be from 0 to 255';
  return typeof text === 'string' ? null : 'text must be a text';
}

function checkOffers(answer: unknown): string | null {
  if (!Array.isArray(answer)) return 'it must answer with a list of kinds';
  for (const offer of answer) {
    if (!isObject(offer)) return 'a kind is an object';
    const { kind, summary, schema, timeout = 1 } = offer;
    if (typeof kind !== 'string' || !/^[a-z][a-z0-9-]{0,59}$/.test(kind)) return `"${String(kind)}" cannot name a kind`;
    if (typeof summary !== 'string') return `${kind} must have a summary`;
    if (!isObject(schema) || !isJson(schema, 0)) return `${kind} must have a schema of its args`;
    if (!Number.isInteger(timeout) || (timeout as number) < 1 || (timeout as number) > LONGEST_STEP)
      return `the timeout of ${kind} is seconds, from 1 to ${LONGEST_STEP}`;
  }
  return null;
}

const STEP_OUTCOMES = ['done', 'failed', 'hold', 'leave', 'later'];

function checkStep(answer: unknown): string | null {
  if (!isObject(answer) || typeof answer['handled'] !== 'boolean') return 'it must answer {handled: true or false}';
  if (!answer['handled']) return null;
  const { outcome, seconds } = answer;
  if (!STEP_OUTCOMES.includes(String(outcome))) return `outcome is one of ${STEP_OUTCOMES.join(', ')}`;
  if (outcome === 'later' && !(typeof seconds === 'number' && seconds >= 0 && seconds <= LONGEST_STEP))
    return `later needs its seconds, from 0 to ${LONGEST_STEP}`;
  return typeof answer['text'] === 'string' ? null : 'it must say what came of it: text';
}

function checkSettled(answer: unknown): string | null {
  if (!isObject(answer) || typeof answer['handled'] !== 'boolean') return 'it must answer {handled: true or false}';
  if (!answer['handled']) return null;
  if (typeof answer['settled'] !== 'boolean') return 'settled is true or false';
  return typeof answer['text'] === 'string' ? null : 'it must say how: text';
}

const PROPOSALS: Record<Proposal['kind'], 'basename' | 'edition'> = {
  uninstall: 'basename',
  install: 'edition',
  forget: 'basename',
  hold: 'basename',
  note: 'basename',
  refuse: 'basename',
};

/** Variables that d3 sets for scripts itself: nobody else says what they are. */
const OWN_VARIABLES =
  /^D3_(?:RUN|RETRY|ADMIN|FORCE|DEBUG|SYNCING|INSTALLING|UNINSTALLING.*|PKG_STATUS|AUTO_.*|RUNNING_.*|ROOT|DEPOT.*|SAFE_MODE|FLAG_.*)$/;

function environmentProblem(environment: unknown): string | null {
  if (environment === undefined) return null;
  if (!isObject(environment)) return 'environment is an object of texts';
  const wrong = Object.entries(environment).find(
    ([name, value]) =>
      !/^D3_[A-Z0-9_]{1,60}$/.test(name) || OWN_VARIABLES.test(name) || typeof value !== 'string' || /\0/.test(value),
  );
  return wrong === undefined ? null : `${wrong[0]} cannot be set for scripts`;
}

function checkProposals(answer: unknown): string | null {
  if (!Array.isArray(answer)) return 'it must answer with a list of proposals';
  for (const proposal of answer) {
    if (!isObject(proposal)) return 'a proposal is an object';
    const kind = String(proposal['kind']);
    if (!Object.hasOwn(PROPOSALS, kind)) return `"${kind}" is no action: ${Object.keys(PROPOSALS).join(', ')}`;
    const about = proposal[PROPOSALS[kind as Proposal['kind']]];
    if (typeof about !== 'string' || about === '')
      return `${kind} must name its ${PROPOSALS[kind as Proposal['kind']]}`;
    if (typeof proposal['reason'] !== 'string' || proposal['reason'] === '') return `${kind} must give its reason`;
    const problem = kind === 'uninstall' ? environmentProblem(proposal['environment']) : null;
    if (problem !== null) return problem;
  }
  return null;
}
