import { type Decision, EXIT_CODES, type PluginContext, type RunHere } from '@d3/sdk';
import { type Deployment, Memory, type Mode } from './memory.ts';
import { elapsed, holdCode } from './rules/hold.ts';
import type { Happened } from './rules/notices.ts';
import { type State, stateOf } from './state.ts';

/** How a deployment stands: for people, for the lock, and for whoever asks from elsewhere. */
export type Status = {
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
  override: Decision | null;
  /** Who ended it for good; null: nobody did. */
  cancelled: Decision | null;
  steps: readonly StepStatus[];
  startedAt: string | null;
  endedAt: string | null;
  /** How long it took, or takes by now. */
  seconds: number | null;
  /** Who began it. */
  by: string | null;
  /** What happened that somebody wants to know, and whether the webhook has it. */
  history: readonly Pick<Happened, 'event' | 'at' | 'reason' | 'by' | 'missing' | 'notice'>[];
};

/** One step, with what became of it. */
type StepStatus = {
  name: string;
  kind: string;
  state: string;
  required: boolean;
  attempts: number;
  startedAt: string | null;
  endedAt: string | null;
  seconds: number | null;
  text: string;
  /** Who left it out, and why; null: nobody did. */
  skipped: Decision | null;
};

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
    cancelled: run?.cancel ?? null,
    steps: (run?.steps ?? []).map(
      ({ name, kind, state: how, required, attempts, startedAt, endedAt, text, skipped }) => ({
        name,
        kind,
        state: how,
        required,
        attempts,
        startedAt,
        endedAt,
        seconds: between(startedAt, endedAt),
        text,
        skipped,
      }),
    ),
    startedAt: deployment?.startedAt ?? null,
    endedAt: end?.at ?? null,
    seconds: between(deployment?.startedAt ?? null, end?.at ?? now.toISOString()),
    by: deployment?.by ?? null,
    history: (deployment?.history ?? []).map(({ event, at, reason, by, missing, notice }) => ({
      event,
      at,
      reason,
      by,
      missing,
      notice,
    })),
  };
}

/** Whole seconds; a clock that was set meanwhile makes none of it less than none. */
function between(start: string | null, end: string | null): number | null {
  if (start === null || end === null) return null;
  return Math.max(0, Math.round((Date.parse(end) - Date.parse(start)) / 1000));
}

function exitOf(state: State, run: RunHere | null): number {
  if (state === 'holding' || state === 'resolving') return EXIT_CODES.holding.code;
  if (state === 'failed-held') return EXIT_CODES.failedHeld.code;
  if (state === 'restarting') return EXIT_CODES.restartPending.code;
  if (state === 'server-error' || state === 'connecting') return EXIT_CODES.depotUnreachable.code;
  if (state === 'idle' || state === 'released' || state === 'cancelled') return EXIT_CODES.done.code;
  return run?.exit ?? EXIT_CODES.busy.code;
}

/** What groups, policies and reports know of it: names with texts, and nothing that is secret. */
export function factsOf(status: Status): Record<string, string> {
  const { state, code, since, missing, values, mode, override, steps, warnings, endedAt, seconds } = status;
  const failures = steps.filter(({ state: how }) => how === 'failed').map(({ name }) => name);
  return {
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [factName(key), value])),
    state,
    ...(mode === null ? {} : { mode }),
    ...(code === null ? {} : { code }),
    ...(since === null ? {} : { since }),
    ...(missing.length === 0 ? {} : { missing: missing.join(', ') }),
    ...(failures.length === 0 ? {} : { failed: failures.join(', ') }),
    ...(override === null ? {} : { override: `${override.by}: ${override.why}` }),
    ...(warnings.length === 0 ? {} : { warnings: String(warnings.length) }),
    ...(endedAt === null ? {} : { ended: endedAt, seconds: String(seconds) }),
  };
}

/** Names of facts are plain words: `ea:Room No.` is `ea-Room-No`. */
function factName(key: string): string {
  return key
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/-+$/, '')
    .slice(0, 60);
}
