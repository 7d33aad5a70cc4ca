import { EXIT_CODES, type PluginContext, type RunHere } from '@d3/sdk';
import { type Deployment, Memory, type Mode } from './memory.ts';
import { elapsed, holdCode } from './rules/hold.ts';
import { type State, stateOf } from './state.ts';

/** How a deployment stands: for people, for the lock, and for whoever asks from elsewhere. */
export interface Status {
  state: State;
  /** The exit code it stands for. */
  exit: number;
  mode: Mode | null;
  run: string | null;
  /** What is on the screen of a machine that holds. */
  code: string | null;
  /** ISO 8601: since when it is in a state that waits; null: it waits for nothing. */
  since: string | null;
  /** In words: what it does, or waits for. */
  text: string;
  missing: readonly string[];
  values: Readonly<Record<string, string>>;
  warnings: readonly string[];
  override: { by: string; at: string; why: string } | null;
  steps: readonly { name: string; kind: string; state: string; attempts: number; text: string }[];
  startedAt: string | null;
  endedAt: string | null;
}

export async function statusOf({
  state,
  runs,
  clock,
}: Pick<PluginContext, 'state' | 'runs' | 'clock'>): Promise<Status> {
  const deployment = new Memory(state).deployment();
  const run = deployment === null ? null : await runs.get(deployment.run);
  return shown(deployment, run, clock.now());
}

export function shown(deployment: Deployment | null, run: RunHere | null, now: Date): Status {
  const state = stateOf(deployment, run);
  const { hold = null, trouble = null, snapshot = null, end = null } = deployment ?? {};
  const since = hold?.since ?? trouble?.since ?? null;
  const step = run?.steps[run.cursor];
  const waiting = since === null ? '' : ` (for ${elapsed(since, now)})`;
  return {
    state,
    exit: exitOf(state, run),
    mode: deployment?.mode ?? null,
    run: deployment?.run ?? null,
    code: hold === null || deployment === null ? null : holdCode(deployment.run),
    since,
    text: end !== null || state === 'idle' ? '' : `${run?.text || step?.text || step?.name || ''}${waiting}`,
    missing: hold?.missing ?? [],
    values: snapshot?.values ?? {},
    warnings: deployment?.warnings ?? [],
    override: deployment?.override ?? null,
    steps: (run?.steps ?? []).map(({ name, kind, state: how, attempts, text }) => ({
      name,
      kind,
      state: how,
      attempts,
      text,
    })),
    startedAt: deployment?.startedAt ?? null,
    endedAt: end?.at ?? null,
  };
}

function exitOf(state: State, run: RunHere | null): number {
  if (state === 'holding' || state === 'resolving') return EXIT_CODES.holding.code;
  if (state === 'failed-held') return EXIT_CODES.failedHeld.code;
  if (state === 'restarting') return EXIT_CODES.restartPending.code;
  if (state === 'server-error' || state === 'connecting') return EXIT_CODES.depotUnreachable.code;
  if (state === 'idle' || state === 'released' || state === 'cancelled') return EXIT_CODES.done.code;
  return run?.exit ?? EXIT_CODES.busy.code;
}

/** Characters a fact may have. */
const LONGEST = 255;

/** What groups, policies and reports know of it: names with texts, and nothing that is secret. */
export function factsOf({ state, code, since, missing, values, mode, warnings }: Status): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [factName(key), value])),
    state,
    ...(mode === null ? {} : { mode }),
    ...(code === null ? {} : { code }),
    ...(since === null ? {} : { since }),
    ...(missing.length === 0 ? {} : { missing: missing.join(', ') }),
    ...(warnings.length === 0 ? {} : { warnings: warnings.join('; ').slice(0, LONGEST) }),
  };
}

/** Names of facts are plain words: `ea:Room No.` is `ea-Room-No`. */
function factName(key: string): string {
  return key
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/-+$/, '')
    .slice(0, 60);
}
