import { randomUUID } from 'node:crypto';
import type { Json } from '@d3/sdk';
import { pluginKinds } from '../lifecycle/step-kinds.ts';
import type { Clock } from '../platform/clock.ts';
import { execIn } from '../platform/exec.ts';
import type { Guard } from '../platform/guard.ts';
import { pause } from '../platform/pause.ts';
import type { Deciding } from '../runs/decisions.ts';
import { advance, type Engine } from '../runs/engine.ts';
import { assertKind, scriptKind, waitKind } from '../runs/kinds.ts';
import type { Run, RunStore, StepContext, StepKinds } from '../runs/types.ts';
import { type AdminSession, roomOf } from './session.ts';

/** Milliseconds a lease lasts unless it is said, and between two looks at the store while a step runs. */
const LEASE = 60_000;
const LOOK = 1000;

/** How runs are advanced, where it is said. */
export interface Advancing {
  /** Milliseconds. */
  lease?: number;
  /** Ends scripts should this process be killed: somebody else takes up the run then. */
  guard?: Guard;
}

/** What can be done with the depot's own runs. */
export interface DepotRuns {
  store: RunStore;
  deciding: Deciding;
  by: string;
  advance(id: string): Promise<Run>;
  open(): Promise<Run[]>;
  /** What runs are advanced with here. */
  engine(): Promise<Pick<Engine, 'kinds' | 'clock'>>;
}

/** Kinds of steps that a depot's host runs: nothing here changes packages of a machine. */
export async function depotKinds(session: AdminSession, { guard }: Advancing = {}): Promise<StepKinds> {
  const { depot, clock, plugins, signal, report } = session;
  const environment = ({ run }: StepContext) => ({
    ...run.environment,
    D3_RUN: run.id,
    D3_ADMIN: run.by,
    ...(run.origin.kind === 'policy' ? { D3_POLICY: run.origin.name } : {}),
  });
  const parts = {
    plugins,
    room: async (stepSignal: AbortSignal, say: (text: string) => void) => ({
      ...roomOf(session),
      signal: stepSignal,
      report: (event: Parameters<typeof report>[0]) => {
        if (event.type === 'warning') report(event);
        else if ('text' in event && event.text !== '') say(event.text);
      },
    }),
    environment,
  };
  const warn = (target: string, text: string) => report({ type: 'warning', target, text });
  const script = scriptKind({
    exec: execIn(depot.work, guard),
    blob: (sha256) => depot.blobs.read(sha256),
    words: async () => ['/', '', ''],
    environment,
  });
  const brought = await pluginKinds(parts, clock.now().toISOString(), signal, warn);
  const kinds = [...brought, script, waitKind({ clock, pause }), assertKind()];
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}

export async function depotRuns(session: AdminSession, advancing: Advancing = {}): Promise<DepotRuns> {
  const { depot, signal, admin, report } = session;
  const store = depot.store.runs;
  const clock = await sharedClock(session);
  const { lease = LEASE } = advancing;
  const deciding: Deciding = { store, clock, isGone: () => null };
  let known: Promise<StepKinds> | null = null;
  const kinds = () => {
    known ??= depotKinds(session, advancing);
    return known;
  };
  return {
    store,
    deciding,
    by: admin,
    engine: async () => ({ kinds: await kinds(), clock }),
    open: async () => (await store.list({ open: true, alone: true })).toReversed(),
    async advance(id) {
      return advance(id, {
        ...deciding,
        kinds: await kinds(),
        stays: ({ origin }) => origin.kind !== 'deployment',
        pause,
        facts: async () => factsOf(depot.location),
        owner: randomUUID(),
        lease,
        look: Math.min(LOOK, lease / 20),
        signal,
        tell: (told) => {
          if (told.type === 'said') report({ type: 'detail', target: told.run.origin.name, text: told.text });
        },
      });
    },
  };
}

/** Leases are judged by hosts whose clocks may differ: on a shared database its clock counts for all. */
async function sharedClock({ depot, clock }: AdminSession): Promise<Clock> {
  const asked = clock.now().getTime();
  const there = await depot.store.serverTime();
  if (there === null) return clock;
  const ahead = there.getTime() - (asked + clock.now().getTime()) / 2;
  return { now: () => new Date(clock.now().getTime() + ahead) };
}

/** What conditions may ask of a depot's host. */
function factsOf(dir: string): Record<string, Json> {
  return { depot: { dir } };
}
