import type {
  ActionPayload,
  AdminPort,
  ChoicesAnswer,
  DeferredPayload,
  EditionPayload,
  EventName,
  ExecPort,
  ExitName,
  FactsPayload,
  Json,
  MachinePorts,
  PlanPayload,
  PluginContext,
  PolicyAnswer,
  PolicyPayload,
  Proposal,
  ProvisionedAnswer,
  ProvisioningQuestion,
  Reporter,
  RunPayload,
  SettledAnswer,
  StatePort,
  StepAnswer,
  StepKindOffer,
  StepPayload,
} from '@d3/sdk';
import { D3Error } from '@d3/sdk';
import { ENDED_WITHIN } from '../platform/spawned.ts';
import { Bus, type HookOutcome, type HookSource, type HookTracer } from './bus.ts';
import { type GateVerdict, judgeAfter, judgeGate } from './judge.ts';

/** What is asked before an edition is installed or removed, and told after it. */
export interface GateQuestion extends Omit<ActionPayload, 'machine'> {
  event: 'install' | 'uninstall';
}

/** What plugins may reach while they are asked: it belongs to the run that asks. */
export interface PluginRoom {
  machine: ActionPayload['machine'];
  /** A blob's bytes, checked against its hash. */
  blob(sha256: string): Promise<Buffer>;
  /** The depot, where one is administered. */
  admin?: AdminPort;
  /** A plugin's own store on this machine. */
  stateOf(plugin: string): StatePort;
  signal: AbortSignal;
  report: Reporter;
}

/** What somebody really answered, with who it was. */
interface Answered<Answer> {
  plugin: string;
  answer: Answer;
}

interface ProposalsOf {
  plugin: string;
  proposals: readonly Proposal[];
}

/** All that the host asks of plugins and tells them. */
export interface Plugins {
  /** Names of the plugins that answer for an edition's scripts. */
  readonly scriptRunners: string[];
  before(question: GateQuestion, room: PluginRoom): Promise<GateVerdict>;
  /** @returns why the receipt needs attention, or null */
  after(question: GateQuestion, room: PluginRoom): Promise<string | null>;
  beforeSync(run: string, room: PluginRoom): Promise<GateVerdict>;
  /** Facts by plugin; what failed is said as a warning. */
  facts(payload: FactsPayload, room: PluginRoom): Promise<Record<string, Json>>;
  proposals(payload: PlanPayload, room: PluginRoom): Promise<ProposalsOf[]>;
  afterSync(result: RunPayload, room: PluginRoom): Promise<void>;
  /** Tells of what was queued for a restart. */
  deferred(queued: DeferredPayload, room: PluginRoom): Promise<void>;
  editionChanged(event: EditionEvent, edition: EditionPayload, room: PluginRoom): Promise<void>;
  beforeDelete(edition: EditionPayload, room: PluginRoom): Promise<GateVerdict>;
  /** The kinds of steps there are besides core's, with who brings each. */
  stepKinds(at: string, room: PluginRoom): Promise<Answered<readonly StepKindOffer[]>[]>;
  /** @returns null when nobody ran it: nobody knows its kind, or who does failed, which was said */
  runStep(step: StepPayload, room: PluginRoom): Promise<Extract<StepAnswer, { handled: true }> | null>;
  settledStep(step: StepPayload, room: PluginRoom): Promise<Extract<SettledAnswer, { handled: true }> | null>;
  /** @returns null when no plugin takes the policy on */
  policy(policy: PolicyPayload, room: PluginRoom): Promise<Answered<Extract<PolicyAnswer, { handled: true }>> | null>;
  provisioning(record: MachineAsked, room: PluginRoom): Promise<ProvisioningAnswer>;
  /**
   * A question about a machine's record, for whoever keeps that elsewhere; null: nobody does.
   * @throws D3Error notAuthorised when the account is refused there, refused for what may not be written, depotUnreachable when somebody
   *   keeps it, and failed to answer
   */
  provisioned<Question extends RecordQuestion>(
    question: Question,
    room: PluginRoom,
  ): Promise<Answered<RecordAnswer<Question>> | null>;
  /** Tells how the deployment of this machine stands. */
  provisioningState(state: string, room: PluginRoom): Promise<void>;
}

/** Anything but what is known on the machine itself. */
type RecordQuestion = Exclude<ProvisioningQuestion, { ask: 'read' }>;
type RecordAnswer<Question extends RecordQuestion> = Question extends { ask: 'choices' }
  ? ChoicesAnswer
  : ProvisionedAnswer;

/** The machine whose provisioning is asked for. */
type MachineAsked = Extract<ProvisioningQuestion, { ask: 'read' }>['record'];

/** What plugins know of a machine's provisioning. */
interface ProvisioningAnswer {
  known: Record<string, string>;
  /** Whether none of them failed to answer: only then is what they do not name known not to be there. */
  complete: boolean;
}

export type EditionEvent = Exclude<Extract<EventName, `d3:edition:${string}`>, 'd3:edition:delete'>;

/** A host without plugins: what names no script proceeds, everything else is refused. */
export const noPlugins: Plugins = {
  scriptRunners: [],
  before: async ({ script, later }) => judgeGate([], script, later),
  after: async ({ script }) => judgeAfter([], script),
  beforeSync: async () => ({ kind: 'proceed' }),
  facts: async () => ({}),
  proposals: async () => [],
  afterSync: async () => undefined,
  deferred: async () => undefined,
  editionChanged: async () => undefined,
  beforeDelete: async () => ({ kind: 'proceed' }),
  stepKinds: async () => [],
  runStep: async () => null,
  settledStep: async () => null,
  policy: async () => null,
  provisioning: async () => ({ known: {}, complete: true }),
  provisioned: async () => null,
  provisioningState: async () => undefined,
};

export interface PluginsOptions {
  hooks: HookSource;
  exec: ExecPort;
  /** What a plugin reaches of the machine. */
  ports(plugin: string, room: Pick<PluginRoom, 'signal' | 'report'>): MachinePorts;
  clock: PluginContext['clock'];
  ticks: () => number;
  trace: HookTracer;
}

/** Plugins as they are wired by their hooks. */
export function pluginsOnBus(options: PluginsOptions): Plugins {
  const { hooks, ticks, trace } = options;
  const busIn = (room: PluginRoom) =>
    new Bus({
      hooks,
      ticks,
      trace,
      signal: room.signal,
      grace: ENDED_WITHIN,
      contextFor: (plugin, signal) => contextOf(plugin, { ...room, signal }, options),
    });
  return {
    get scriptRunners() {
      return listenersOf(hooks, 'd3:install:before');
    },
    async before({ event, ...question }, room) {
      const payload = { ...question, machine: room.machine };
      return judgeGate(await busIn(room).fire(`d3:${event}:before`, payload), question.script, question.later);
    },
    async after({ event, ...question }, room) {
      const payload = { ...question, machine: room.machine };
      return judgeAfter(await busIn(room).fire(`d3:${event}:after`, payload), question.script);
    },
    async beforeSync(run, room) {
      return judgeGate(await busIn(room).fire('d3:sync:before', { run }), null, null);
    },
    async facts(payload, room) {
      const outcomes = await busIn(room).fire('d3:facts', payload);
      return Object.fromEntries(answers(outcomes, room).map(({ plugin, answer }) => [plugin, answer]));
    },
    async proposals(payload, room) {
      const outcomes = await busIn(room).fire('d3:plan', payload);
      return answers(outcomes, room).map(({ plugin, answer }) => ({ plugin, proposals: answer }));
    },
    async afterSync(result, room) {
      answers(await busIn(room).fire('d3:sync:after', result), room);
    },
    async deferred(queued, room) {
      answers(await busIn(room).fire('d3:deferred', queued), room);
    },
    async editionChanged(event, edition, room) {
      answers(await busIn(room).fire(event, edition), room);
    },
    async beforeDelete(edition, room) {
      return judgeGate(await busIn(room).fire('d3:edition:delete', edition), null, null);
    },
    async stepKinds(at, room) {
      return answers(await busIn(room).fire('d3:steps', { at }), room);
    },
    async runStep(step, room) {
      return handled(await busIn(room).fire('d3:step:run', step), room)?.answer ?? null;
    },
    async settledStep(step, room) {
      return handled(await busIn(room).fire('d3:step:settled', step), room)?.answer ?? null;
    },
    async policy(policy, room) {
      return handled(await busIn(room).fire('d3:policy', policy), room);
    },
    async provisioning(record, room) {
      const outcomes = await busIn(room).fire('d3:provisioning', { ask: 'read', record }, { everybody: true });
      const given = answers(outcomes, room);
      // What several know the last one knows best: a deployment under way is told by a plugin that comes after those it asks.
      const known = Object.assign({}, ...given.map(({ answer }) => (isDeclined(answer) ? {} : textsOf(answer))));
      return { known, complete: given.length === outcomes.length };
    },
    async provisioned<Question extends RecordQuestion>(question: Question, room: PluginRoom) {
      const outcomes = await busIn(room).fire('d3:provisioning', question);
      const taken = answers(outcomes, room).find(({ answer }) => !isDeclined(answer));
      if (taken !== undefined) return taken as Answered<RecordAnswer<Question>>;
      const failed = outcomes.find((outcome) => outcome.kind !== 'ok' && outcome.kind !== 'veto');
      if (failed === undefined) return null;
      throw recordNotTold(failed, question.ask);
    },
    async provisioningState(state, room) {
      answers(await busIn(room).fire('d3:provisioning:state', { state }), room);
    },
  };
}

/** Who keeps the record could not answer: that is not the same as there being none. What an account may not do stays that. */
function recordNotTold(failed: HookOutcome, ask: RecordQuestion['ask']): D3Error {
  const { plugin } = failed;
  const { why = 'it did not answer', exit } = failed as { why?: string; exit?: ExitName };
  if (ask === 'resolve' && exit !== 'notAuthorised' && exit !== 'refused') {
    const text = `${plugin} could not tell the record of this machine: ${why}`;
    return new D3Error('RECORD_NOT_TOLD', 'depotUnreachable', text, {
      target: plugin,
      actions: ['look at what it says; it is asked again'],
    });
  }
  const kept: readonly (ExitName | undefined)[] = ['notAuthorised', 'refused', 'failed'];
  return new D3Error('RECORD_REFUSED', kept.includes(exit) ? (exit as ExitName) : 'depotUnreachable', why, {
    target: plugin,
    actions: ['look at what it says, then try it again'],
  });
}

/** What a plugin's hook, or its command, gets to work with. */
export function contextOf(
  plugin: string,
  room: Omit<PluginRoom, 'machine'>,
  { exec, ports, clock }: Pick<PluginsOptions, 'exec' | 'ports' | 'clock'>,
): PluginContext {
  const { signal, report } = room;
  return {
    plugin,
    depot: { blob: (sha256) => room.blob(sha256) },
    admin: room.admin ?? null,
    state: room.stateOf(plugin),
    exec,
    ui: (event) => report(event),
    clock,
    signal,
    ...ports(plugin, { signal, report }),
  };
}

function textsOf(known: Json): Record<string, string> {
  if (known === null || typeof known !== 'object' || Array.isArray(known)) return {};
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** The answer of whoever took it on. What failed is said as a warning that names the plugin. */
function handled<Answer extends { handled: boolean }>(
  outcomes: readonly HookOutcome<Answer>[],
  room: PluginRoom,
): Answered<Extract<Answer, { handled: true }>> | null {
  const taken = answers(outcomes, room).find(({ answer }) => answer.handled);
  return taken === undefined ? null : (taken as Answered<Extract<Answer, { handled: true }>>);
}

function isDeclined(answer: Json): boolean {
  return answer === null || (typeof answer === 'object' && 'handled' in answer && answer.handled === false);
}

function listenersOf(hooks: HookSource, event: EventName): string[] {
  return [...new Set(hooks.filesFor(event).map((hook) => hook.plugin))];
}

/** The good answers; of the others a warning is given that names the plugin. */
function answers<Answer>(outcomes: readonly HookOutcome<Answer>[], room: PluginRoom): Answered<Answer>[] {
  return outcomes.flatMap((outcome) => {
    if (outcome.kind === 'ok' || outcome.kind === 'veto') return [{ plugin: outcome.plugin, answer: outcome.answer }];
    room.report({ type: 'warning', target: outcome.plugin, text: outcome.why });
    return [];
  });
}
