import type { RunHere, StepHere } from '@d3/sdk';
import type { Fact, ShownStep, StepState, View } from '@d3/show';
import { elapsed, holdCode } from '../rules/hold.ts';
import type { Texts } from './texts.ts';

/** What of a deployment is shown on the lock. */
export interface LockFacts {
  run: Pick<RunHere, 'id' | 'state' | 'text' | 'isAdvanced' | 'cursor' | 'steps' | 'createdAt'>;
  /** Somebody has to say what it is; ISO 8601, and labels. */
  hold: { since: string; missing: readonly string[] } | null;
  /** Something outside does not answer. */
  trouble: { since: string; text: string } | null;
  serial: string | null;
  /** The newest the run itself said; null: nothing. */
  said: { at: string; text: string } | null;
}

export interface ViewParts {
  texts: Texts;
  icon: string | null;
  contact: string | null;
  /** The newest line of the log of whatever else works on the machine, as it is to be shown; null: none. */
  logLine: string | null;
  now: Date;
}

/** What the lock shows. What the run says of itself comes before what a log says. */
export function lockView(facts: LockFacts, parts: ViewParts): View {
  const { run, hold, trouble } = facts;
  const { texts } = parts;
  if (run.state === 'holding' || run.state === 'failed') return failedView(facts, parts);
  const message = [
    texts['lock.text'],
    ...(hold === null ? [] : ['', texts['hold.text']]),
    ...(trouble === null ? [] : ['', texts['lock.waiting'], trouble.text]),
    ...(run.state === 'waiting' ? ['', texts['lock.restarting']] : []),
    ...(run.state === 'running' && !run.isAdvanced ? ['', texts['lock.dead']] : []),
  ];
  const since = hold?.since ?? trouble?.since ?? null;
  return {
    title: texts['lock.title'],
    message: message.join('\n'),
    newest: newestOf(facts, parts),
    icon: parts.icon,
    steps: hold === null ? stepsOf(run) : [],
    bar: hold === null ? barOf(run) : null,
    facts: [
      ...(hold === null ? [] : holdFacts(facts, parts)),
      ...(since === null ? [] : [{ label: texts['fact.elapsed'], value: elapsed(since, parts.now) }]),
    ],
  };
}

/** It stays locked until somebody decides. */
function failedView(facts: LockFacts, parts: ViewParts): View {
  const { run } = facts;
  const { texts } = parts;
  const failed = run.steps.filter(({ state, required }) => state === 'failed' && required);
  return {
    title: texts['failed.title'],
    message: [texts['failed.text'], ...(run.text === '' ? [] : ['', run.text])].join('\n'),
    newest: '',
    icon: parts.icon,
    steps: stepsOf(run),
    bar: barOf(run),
    facts: [
      ...holdFacts({ ...facts, hold: null }, parts),
      ...failed.map(({ name }) => ({ label: texts['fact.failed'], value: name })),
    ],
  };
}

/** What somebody reads to whoever can help. */
function holdFacts({ run, hold, serial }: LockFacts, { texts, contact }: ViewParts): Fact[] {
  return [
    { label: texts['fact.code'], value: holdCode(run.id) },
    ...(serial === null ? [] : [{ label: texts['fact.serial'], value: serial }]),
    ...(hold === null || hold.missing.length === 0
      ? []
      : [{ label: texts['fact.missing'], value: hold.missing.join(', ') }]),
    ...(contact === null ? [] : [{ label: texts['fact.contact'], value: contact }]),
  ];
}

/** One line: where a log has its parts on lines of their own they are put beside each other. */
function newestOf({ said, run }: LockFacts, { logLine }: ViewParts): string {
  const step = run.steps[run.cursor];
  const own = said?.text ?? (step?.state === 'started' ? step.text : '');
  return own !== '' ? own : (logLine?.replaceAll(/\n+/g, ' – ') ?? '');
}

const STATES: Readonly<Record<StepHere['state'], StepState>> = {
  pending: 'waiting',
  started: 'running',
  done: 'done',
  failed: 'failed',
  skipped: 'skipped',
};

function stepsOf({ steps }: Pick<RunHere, 'steps'>): ShownStep[] {
  return steps.map(({ name, state, text }) => ({
    name,
    state: STATES[state],
    ...(text === '' || state === 'pending' ? {} : { note: text }),
  }));
}

function barOf({ steps }: Pick<RunHere, 'steps'>): View['bar'] {
  const over = steps.filter(({ state }) => state === 'done' || state === 'skipped').length;
  return steps.length === 0 ? null : { done: over, total: steps.length };
}
