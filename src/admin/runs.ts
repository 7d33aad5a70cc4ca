import { randomUUID } from 'node:crypto';
import type { Json } from '@d3/sdk';
import { pluginKinds } from '../lifecycle/step-kinds.ts';
import { execIn } from '../platform/exec.ts';
import { pause } from '../platform/pause.ts';
import type { Deciding } from '../runs/decisions.ts';
import { advance } from '../runs/engine.ts';
import { assertKind, scriptKind, waitKind } from '../runs/kinds.ts';
import type { Run, RunStore, StepContext, StepKinds } from '../runs/types.ts';
import { type AdminSession, roomOf } from './session.ts';

/** Milliseconds a lease lasts, and between two looks at the store while a step runs. */
const LEASE = 60_000;
const LOOK = 1000;

/** What can be done with the depot's own runs. */
export interface DepotRuns {
  store: RunStore;
  deciding: Deciding;
  by: string;
  advance(id: string): Promise<Run>;
  open(): Promise<Run[]>;
}

/** Kinds of steps that a depot's host runs: nothing here changes packages of a machine. */
export async function depotKinds(session: AdminSession): Promise<StepKinds> {
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
    exec: execIn(depot.work),
    blob: (sha256) => depot.blobs.read(sha256),
    words: async () => ['/', '', ''],
    environment,
  });
  const brought = await pluginKinds(parts, clock.now().toISOString(), signal, warn);
  const kinds = [...brought, script, waitKind({ clock, pause }), assertKind()];
  return new Map(kinds.map((kind) => [kind.kind, kind]));
}

export function depotRuns(session: AdminSession): DepotRuns {
  const { depot, clock, signal, admin, report } = session;
  const store = depot.store.runs;
  const deciding: Deciding = { store, clock, isGone: () => null };
  return {
    store,
    deciding,
    by: admin,
    async open() {
      return (await store.list({ open: true })).filter(({ parent }) => parent === null).toReversed();
    },
    async advance(id) {
      return advance(id, {
        ...deciding,
        kinds: await depotKinds(session),
        pause,
        facts: async () => factsOf(depot.location),
        owner: randomUUID(),
        lease: LEASE,
        look: LOOK,
        signal,
        tell: (told) => {
          if (told.type === 'said') report({ type: 'detail', target: told.run.origin.name, text: told.text });
        },
      });
    },
  };
}

/** What conditions may ask of a depot's host. */
function factsOf(dir: string): Record<string, Json> {
  return { depot: { dir } };
}
