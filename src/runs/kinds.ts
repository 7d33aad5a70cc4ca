import type { ExecPort, ExecResult } from '@d3/sdk';
import { conditionText, holds } from './conditions.ts';
import type { Engine } from './engine.ts';
import { CORE_KINDS, type CoreKind } from './schema.ts';
import type { Condition, StepContext, StepEnd, StepKind } from './types.ts';

/** The kinds of steps that need nothing of a machine but ports: they run on machines and on depots alike. */

/** A kind of core with args of a known shape, which its schema vouches for. */
export function coreKind<Args>(
  kind: CoreKind,
  timeout: number | null,
  run: (context: StepContext, args: Args) => Promise<StepEnd>,
  settled: (context: StepContext, args: Args) => Promise<string | null> = async () => null,
): StepKind {
  return {
    kind,
    schema: CORE_KINDS[kind],
    timeout,
    run: (context, args) => run(context, args as Args),
    settled: (context, args) => settled(context, args as Args),
  };
}

export function assertKind(): StepKind {
  return coreKind<{ that: Condition; message?: string }>('assert', 60, async ({ facts }, { that, message }) => {
    const text = conditionText(that);
    if (holds(that, await facts())) return { kind: 'done', text };
    return {
      kind: 'failed',
      text: message ?? `it does not hold that ${text}`,
      problem: { code: 'ASSERTION', exit: 'refused', actions: [] },
    };
  });
}

interface WaitArgs {
  seconds?: number;
  until?: string;
  for?: Condition;
  every?: number;
}

const EVERY = 10;

/** Waits for a time, counted from when it first began, and then for a condition. */
export function waitKind({ clock, pause }: Pick<Engine, 'clock' | 'pause'>): StepKind {
  const endOf = ({ run, index }: StepContext, { seconds = 0, until }: WaitArgs) => {
    const begun = run.steps[index]?.startedAt;
    const from = begun === null || begun === undefined ? clock.now().getTime() : Date.parse(begun);
    return Math.max(from + seconds * 1000, until === undefined ? 0 : Date.parse(until));
  };
  const left = (end: number) => Math.max(0, end - clock.now().getTime());
  return coreKind<WaitArgs>(
    'wait',
    null,
    async (context, args) => {
      const end = endOf(context, args);
      while (left(end) > 0) await pause(left(end), context.signal);
      if (args.for === undefined) return { kind: 'done', text: `waited until ${new Date(end).toISOString()}` };
      while (!holds(args.for, await context.facts())) await pause((args.every ?? EVERY) * 1000, context.signal);
      return { kind: 'done', text: conditionText(args.for) };
    },
    async (context, args) => (args.for === undefined && left(endOf(context, args)) === 0 ? 'its time had come' : null),
  );
}

export interface ScriptParts {
  exec: ExecPort;
  /** A blob's bytes, checked against its hash. */
  blob: (sha256: string) => Promise<Buffer>;
  /** The first words a script is given: mount point, computer's name, user. */
  words: () => Promise<[string, string, string]>;
  /** What every script of this run sees. */
  environment: (context: StepContext) => Record<string, string>;
}

interface ScriptArgs {
  script: { name: string; sha256: string };
  parameters?: string[];
}

/** Seconds a script may take unless its step says otherwise. */
const SCRIPT_LIMIT = 1800;
/** Milliseconds after which a script is ended in any case: the step's own limit comes before. */
const LONGEST_SCRIPT = 24 * 86_400_000;
/** The exit code with which a script says: take it as done. */
const SETTLED = 111;
const PARAMETERS = 8;

/** Runs a script of the depot as it was when it was pinned: `$1` to `$3` as everywhere, `$4` to `$11` its parameters. */
export function scriptKind({ exec, blob, words, environment }: ScriptParts): StepKind {
  return coreKind<ScriptArgs>('script', SCRIPT_LIMIT, async (context, { script, parameters = [] }) => {
    const content = await blob(script.sha256);
    const own = [...parameters, ...Array<string>(PARAMETERS).fill('')].slice(0, PARAMETERS);
    const ended = await exec.run({
      content,
      name: script.name,
      args: [...(await words()), ...own],
      environment: environment(context),
      timeout: LONGEST_SCRIPT,
      signal: context.signal,
      onLine: (line) => context.say(line),
    });
    return endOfScript(script.name, ended);
  });
}

function endOfScript(name: string, { code, signal }: ExecResult): StepEnd {
  if (code === 0) return { kind: 'done', text: '' };
  if (code === SETTLED) return { kind: 'done', text: `${name} exited ${SETTLED}: nothing was to be done` };
  const text = code === null ? `${name} was ended by ${signal ?? 'a signal'}` : `${name} exited ${code}`;
  return { kind: 'failed', text, problem: { code: 'SCRIPT_FAILED', exit: 'scriptFailed', actions: [] } };
}
