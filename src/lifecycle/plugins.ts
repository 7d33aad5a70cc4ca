import type {
  ActionPayload,
  DeferredPayload,
  EditionPayload,
  EventName,
  ExecPort,
  Json,
  PlanPayload,
  PlanReceipt,
  PluginContext,
  Proposal,
  Reporter,
  RunPayload,
  StatePort,
} from '@d3/sdk';
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
  /** A plugin's own store on this machine. */
  stateOf(plugin: string): StatePort;
  signal: AbortSignal;
  report: Reporter;
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
  facts(at: string, receipts: readonly PlanReceipt[], room: PluginRoom): Promise<Record<string, Json>>;
  proposals(payload: PlanPayload, room: PluginRoom): Promise<ProposalsOf[]>;
  afterSync(result: RunPayload, room: PluginRoom): Promise<void>;
  /** Tells of what was queued for a restart. */
  deferred(queued: DeferredPayload, room: PluginRoom): Promise<void>;
  editionChanged(event: EditionEvent, edition: EditionPayload, room: PluginRoom): Promise<void>;
}

export type EditionEvent = Extract<EventName, `d3:edition:${string}`>;

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
};

export interface PluginsOptions {
  hooks: HookSource;
  exec: ExecPort;
  clock: PluginContext['clock'];
  ticks: () => number;
  trace: HookTracer;
}

/** Plugins as they are wired by their hooks. */
export function pluginsOnBus({ hooks, exec, clock, ticks, trace }: PluginsOptions): Plugins {
  const busIn = (room: PluginRoom) =>
    new Bus({
      hooks,
      ticks,
      trace,
      signal: room.signal,
      grace: ENDED_WITHIN,
      contextFor: (plugin, signal) => contextOf(plugin, signal, room),
    });
  const contextOf = (plugin: string, signal: AbortSignal, room: PluginRoom): PluginContext => ({
    plugin,
    depot: { blob: (sha256) => room.blob(sha256) },
    state: room.stateOf(plugin),
    exec,
    ui: (event) => room.report(event),
    clock,
    signal,
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
    async facts(at, receipts, room) {
      const outcomes = await busIn(room).fire('d3:facts', { at, receipts });
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
  };
}

function listenersOf(hooks: HookSource, event: EventName): string[] {
  return [...new Set(hooks.filesFor(event).map((hook) => hook.plugin))];
}

/** The good answers; of the others a warning is given that names the plugin. */
function answers<Answer>(
  outcomes: readonly HookOutcome<Answer>[],
  room: PluginRoom,
): { plugin: string; answer: Answer }[] {
  return outcomes.flatMap((outcome) => {
    if (outcome.kind === 'ok' || outcome.kind === 'veto') return [{ plugin: outcome.plugin, answer: outcome.answer }];
    room.report({ type: 'warning', target: outcome.plugin, text: outcome.why });
    return [];
  });
}
