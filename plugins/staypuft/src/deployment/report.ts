import type { RunHere, StepHere } from '@d3/sdk';
import { PHASES, type Phase } from '../rules/host-steps.ts';
import type { HostKind, HostState } from '../types.ts';
import type { Ports } from './assign.ts';
import { newestRun, standingsOf } from './runs.ts';
import { eachOf } from './several.ts';
import { blueprintNamed, deploymentNamed, hostsByName } from './store.ts';

/** What one step of a run came to. A type, so that it is JSON. */
type ReportedStep = {
  phase: Phase;
  name: string;
  kind: string;
  state: StepHere['state'];
  attempts: number;
  startedAt: string | null;
  endedAt: string | null;
  text: string;
  skipped: { by: string; at: string; why: string } | null;
};

type ReportedHost = {
  host: string;
  role: string;
  kind: HostKind | null;
  state: HostState;
  by: string;
  at: string;
  /** Why it is as it is; empty while nothing is said. */
  text: string;
  /** Who left it out, or ended what was done to it, and why; null: nobody did. */
  leftOut: { by: string; at: string; why: string } | null;
  steps: ReportedStep[];
};

/** What is told of a deployment in a change ticket. */
export type Report = {
  deployment: string;
  description: string;
  blueprint: string;
  run: {
    id: string;
    state: RunHere['state'];
    text: string;
    by: string;
    createdAt: string;
    endedAt: string | null;
    cancel: { by: string; at: string; why: string } | null;
  } | null;
  /** How many hosts are in each state. */
  counts: Partial<Record<HostState, number>>;
  hosts: ReportedHost[];
};

/** All that is known of a deployment and its newest run. */
export async function reportOf(name: string, { admin, runs }: Pick<Ports, 'admin' | 'runs'>): Promise<Report> {
  const deployment = await deploymentNamed(admin, name);
  const { description, blueprint: wanted } = deployment.body;
  // A blueprint that is gone or was broken since takes nothing away from what was done.
  const blueprint = await blueprintNamed(admin, wanted).catch(() => null);
  const run = await newestRun(deployment.body, runs);
  const standings = await standingsOf(deployment, blueprint?.body ?? null, await hostsByName(admin), runs);
  const ends = await eachOf(standings, async (one) => {
    const phases = PHASES.flatMap((phase) => {
      const brief = one.runs[phase];
      return brief === undefined ? [] : [{ phase, id: brief.id }];
    });
    const whole = await Promise.all(phases.map(async ({ phase, id }) => ({ phase, run: await runs.get(id) })));
    const cancel = whole.map(({ run: child }) => child?.cancel ?? null).findLast((each) => each !== null);
    const steps = whole.flatMap(({ phase, run: child }) => (child?.steps ?? []).map((step) => reported(phase, step)));
    return { leftOut: cancel ? { ...cancel } : null, steps };
  });
  const hosts = standings.map(({ assignment, named, state, runs: own }, n): ReportedHost => {
    const { host, role, by, at, outcome } = assignment;
    const end = ends[n];
    const said = PHASES.map((phase) => own[phase]?.text ?? '').findLast((text) => text !== '');
    const kind = named?.host.kind ?? null;
    return {
      host,
      role,
      kind,
      state,
      by,
      at,
      text: said ?? (outcome?.state === state ? outcome.text : ''),
      ...(end && 'result' in end ? end.result : { leftOut: null, steps: [] }),
    };
  });
  const counts: Report['counts'] = {};
  for (const { state } of hosts) counts[state] = (counts[state] ?? 0) + 1;
  return {
    deployment: deployment.name,
    description,
    blueprint: wanted,
    run: run === null ? null : shownRun(run),
    counts,
    hosts,
  };
}

function shownRun({ id, state, text, by, createdAt, endedAt, cancel }: RunHere): NonNullable<Report['run']> {
  return { id, state, text, by, createdAt, endedAt, cancel: cancel === null ? null : { ...cancel } };
}

function reported(phase: Phase, step: StepHere): ReportedStep {
  const { name, kind, state, attempts, startedAt, endedAt, text, skipped } = step;
  return {
    phase,
    name,
    kind,
    state,
    attempts,
    startedAt,
    endedAt,
    text,
    skipped: skipped === null ? null : { ...skipped },
  };
}

/** The report as Markdown. Whatever names and texts say, they stay words in their places. */
export function markdownOf({ deployment, description, blueprint, run, counts, hosts }: Report): string {
  const told = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  const failed = hosts.filter(({ state }) => state === 'failed');
  const skipped = hosts.flatMap(({ host, leftOut, steps }) => [
    ...(leftOut === null ? [] : [{ host, step: '', ...leftOut }]),
    ...steps.flatMap(({ name, skipped: decided }) => (decided === null ? [] : [{ host, step: name, ...decided }])),
  ]);
  return [
    `# Deployment ${words(deployment)}`,
    ...(description === '' ? [] : [words(description)]),
    table(
      ['what', 'value'],
      [
        ['blueprint', blueprint],
        ['hosts', told.length === 0 ? 'none' : told.join(', ')],
        ...(run === null
          ? [['run', 'it did not run yet']]
          : [
              ['run', `${run.id}: ${run.state}`],
              ['begun', `${run.createdAt} by ${run.by}`],
              ['ended', run.endedAt ?? 'not yet'],
              ...(run.cancel === null
                ? []
                : [['cancelled', `${run.cancel.at} by ${run.cancel.by}: ${run.cancel.why}`]]),
              ...(run.text === '' ? [] : [['said', run.text]]),
            ]),
      ],
    ),
    '## Hosts',
    hosts.length === 0
      ? 'There are none.'
      : table(
          ['host', 'role', 'kind', 'state', 'assigned', 'steps done'],
          hosts.map(({ host, role, kind, state, by, at, steps }) => [
            host,
            role,
            kind ?? 'gone',
            state,
            `${at} by ${by}`,
            steps.length === 0 ? '' : `${steps.filter((step) => step.state === 'done').length} of ${steps.length}`,
          ]),
        ),
    ...(hosts.every(({ steps }) => steps.length === 0)
      ? []
      : [
          '## Steps',
          table(
            ['host', 'step', 'state', 'ended', 'said'],
            hosts.flatMap(({ host, steps }) =>
              steps.map(({ name, state, endedAt, text }) => [host, name, state, endedAt ?? '', text]),
            ),
          ),
        ]),
    ...(failed.length === 0
      ? []
      : ['## Failures', table(['host', 'step', 'tries', 'ended', 'why'], failed.flatMap(failureRows))]),
    ...(skipped.length === 0
      ? []
      : [
          '## Left out',
          table(
            ['host', 'step', 'by', 'when', 'why'],
            skipped.map(({ host, step, by, at, why }) => [host, step, by, at, why]),
          ),
        ]),
  ].join('\n\n');
}

function failureRows({ host, text, steps }: ReportedHost): string[][] {
  const broken = steps.filter(({ state }) => state === 'failed');
  if (broken.length === 0) return [[host, '', '', '', text]];
  return broken.map((step) => [host, step.name, String(step.attempts), step.endedAt ?? '', step.text]);
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(words).join(' | ')} |`;
  return [line(columns), `|${' --- |'.repeat(columns.length)}`, ...rows.map(line)].join('\n');
}

/** Text that is only words in Markdown: on one line, with nothing in it that is a sign, a link, or turns writing around. */
export function words(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/[\\`*_{}[\]<>|~!&#$^=@]/g, '\\$&')
    .replaceAll('://', ':\\/\\/')
    .replaceAll(/\bwww\./gi, (found) => `${found.slice(0, -1)}\\.`)
    .trim();
}
