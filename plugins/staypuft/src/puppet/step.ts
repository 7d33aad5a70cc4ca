import { D3Error, type StepAnswer, type StepPayload } from '@d3/sdk';
import { workId } from '../kinds/work-id.ts';
import type { Remote, Target } from '../ssh-port.ts';
import type { PuppetReport } from './report.ts';
import { type Expectation, isAnotherRound, judge, oneLine, type Verdict } from './rules.ts';
import { runPuppet } from './run.ts';
import type { PuppetEnd } from './said.ts';
import type { PuppetRunOptions } from './script.ts';

/** What a step wants of Puppet on one host. */
export interface PuppetPlan {
  options: PuppetRunOptions;
  /** Runs at most, until nothing changes any more. */
  rounds: number;
  expectation: Omit<Expectation, 'before'>;
  /**
   * Looks at the last run once more, when nothing was the matter with it.
   * @returns how it ended, in words; or what is wrong
   */
  ending(verdict: Verdict, report: PuppetReport): Promise<{ done: string } | { wrong: string }>;
}

export interface PuppetPorts {
  remote: Remote;
  target: Target;
  limits: PuppetLimits;
  signal: AbortSignal;
  onLine: (line: string) => void;
}

export interface PuppetLimits {
  /** Seconds one run may take. */
  run: number;
  /** Seconds that another run which is under way is waited for. */
  wait: number;
}

/** What came of a step. */
export type Answer = Extract<StepAnswer, { handled: true }>;

/** What a step remembers between two looks. */
interface Memory {
  /** The round whose turn it is, from 1. */
  round: number;
  /** How often the step had been begun when this was remembered. */
  attempt: number;
  /** Seconds another run was waited for. */
  waited: number;
  /** How often in a row the host was not reached. */
  lost: number;
  /** Transactions of the rounds before. */
  transactions: string[];
  /** Names of what changed in them. */
  changed: string[];
}

/** Seconds between looks at a run that is under way; the last one from then on. */
const PAUSES = [10, 20, 40, 60];
/** Seconds before a host that was not reached is tried again, each time. */
const AFTER_LOSS = [15, 60];

/**
 * One round of a step, and what follows from it. Every round is work of its own on the host: a controller that was killed finds it
 * again. What is judged is forgotten there, so a step that is tried again runs Puppet again.
 */
export async function advance(plan: PuppetPlan, payload: StepPayload, ports: PuppetPorts): Promise<Answer> {
  let memory = memoryOf(payload);
  try {
    memory = await upToDate(memory, payload, ports);
    return await round(plan, { payload, memory }, ports);
  } catch (error) {
    await cancelled(error, workId(payload.run, payload.index, memory.round), ports);
    return unreached(error, memory, payload);
  }
}

async function round(
  plan: PuppetPlan,
  { payload, memory }: { payload: StepPayload; memory: Memory },
  ports: PuppetPorts,
): Promise<Answer> {
  const { remote, target, limits, signal, onLine } = ports;
  const id = workId(payload.run, payload.index, memory.round);
  const end = await runPuppet(remote, target, { id, options: plan.options, timeout: limits.run, onLine }, signal);
  const answer = await follows(plan, { payload, memory, end }, ports);
  await remote.forget(target, id);
  return answer;
}

async function follows(
  plan: PuppetPlan,
  { payload, memory, end }: { payload: StepPayload; memory: Memory; end: PuppetEnd },
  { target, limits }: PuppetPorts,
): Promise<Answer> {
  if (end.kind === 'busy') return waitsFor(memory, { payload, limit: limits.wait, host: target.name });
  if (end.kind !== 'ran') return failed(notRun(end, target.name, limits.run));
  const { transactions, changed, round: number } = memory;
  const { report } = end;
  const verdict = judge(end.code, report, { ...plan.expectation, before: transactions });
  const all = [...new Set([...changed, ...verdict.changed])];
  if (isAnotherRound(verdict, number, plan.rounds)) {
    const next = {
      round: number + 1,
      transactions: [...transactions, report.transaction],
      changed: all.slice(0, MOST_NAMES),
    };
    const text = verdict.problems.length > 0 ? problemsText(verdict) : `${countText(verdict.changed.length)} changed`;
    return later({ ...memory, ...next, waited: 0, lost: 0 }, { payload, seconds: 0, text: `run ${number}: ${text}` });
  }
  if (verdict.problems.length > 0)
    return failed(`Puppet on ${target.name} did not do its work: ${problemsText(verdict)}`);
  const ending = await plan.ending({ ...verdict, changed: all }, report);
  if ('wrong' in ending) return failed(ending.wrong);
  return { handled: true, outcome: 'done', text: ending.done };
}

function waitsFor(
  memory: Memory,
  { payload, limit, host }: { payload: StepPayload; limit: number; host: string },
): Answer {
  const { waited } = memory;
  const left = limit - waited;
  if (left <= 0)
    return failed(
      `another run of Puppet has been under way on ${host} for ${waited} seconds: see what it does there, then retry; the step ends such runs itself with running: end`,
    );
  let step = 0;
  for (let sum = 0; step < PAUSES.length - 1 && sum + (PAUSES[step] as number) <= waited; step += 1)
    sum += PAUSES[step] as number;
  const seconds = Math.min(PAUSES[step] as number, left);
  return later(
    { ...memory, waited: waited + seconds, lost: 0 },
    { payload, seconds, text: `another run of Puppet is under way on ${host}` },
  );
}

function notRun(end: Exclude<PuppetEnd, { kind: 'ran' | 'busy' }>, host: string, limit: number): string {
  switch (end.kind) {
    case 'disabled': {
      const reason = end.reason === null ? 'no reason was given' : `because: ${end.reason}`;
      return `the agent on ${host} is disabled, ${reason}; "puppet agent --enable" there enables it, then retry`;
    }
    case 'absent':
      return `there is no Puppet agent on ${host}: install puppet-agent or openvox-agent there, then retry`;
    case 'notRun':
      return `Puppet on ${host} did not come to a run (it ended with ${end.code}): ${end.text === '' ? 'it did not say why' : end.text}`;
    case 'cut':
      return end.timedOut
        ? `Puppet on ${host} was ended after ${limit} seconds: see what takes it so long, then retry, or raise deployment.puppetSeconds`
        : `Puppet on ${host} was ended before it was done: by a restart, or by somebody; retry runs it again`;
    case 'unread':
      return `the report of Puppet on ${host} cannot be read, so nobody knows what it did (it ended with ${end.code})`;
  }
}

/** A step that was begun again, and whose work the host knows nothing of, had ended: it begins anew, with all its rounds. */
async function upToDate(
  memory: Memory,
  payload: StepPayload,
  { remote, target, signal }: PuppetPorts,
): Promise<Memory> {
  if (memory.attempt === 0 || payload.attempt <= memory.attempt + 1) return memory;
  const found = await remote.find(target, workId(payload.run, payload.index, memory.round), signal);
  return found === null ? NOTHING : memory;
}

/** What the host still does for a step that was cancelled is ended; where only the controller stops, it goes on. */
async function cancelled(error: unknown, id: string, { remote, target, signal }: PuppetPorts): Promise<void> {
  if (!signal.aborted) return;
  const { reason } = signal;
  if (reason instanceof D3Error && reason.code === 'RUN_CANCELLED') {
    await remote.end(target, id);
    await remote.forget(target, id);
  }
  throw error;
}

/** A way that is cut may come back by itself; a key that is refused does not. */
function unreached(error: unknown, memory: Memory, payload: StepPayload): Answer {
  if (!(error instanceof D3Error)) throw error;
  const seconds = error.code === 'SSH_UNREACHABLE' ? AFTER_LOSS[memory.lost] : undefined;
  if (seconds !== undefined)
    return later({ ...memory, lost: memory.lost + 1 }, { payload, seconds, text: error.message });
  return failed([error.message, ...error.actions].join('; '));
}

const NOTHING: Memory = { round: 1, attempt: 0, waited: 0, lost: 0, transactions: [], changed: [] };

function memoryOf({ data }: StepPayload): Memory {
  if (data === null || typeof data !== 'object' || Array.isArray(data)) return NOTHING;
  return { ...NOTHING, ...(data as unknown as Partial<Memory>) };
}

function later(
  memory: Memory,
  { payload, seconds, text }: { payload: StepPayload; seconds: number; text: string },
): Answer {
  const data = { ...memory, attempt: payload.attempt };
  return { handled: true, outcome: 'later', text, seconds, data };
}

function failed(text: string): Answer {
  return { handled: true, outcome: 'failed', text };
}

const MOST_NAMES = 500;
const MOST_TOLD = 10;

function problemsText({ problems }: Verdict): string {
  return listed(
    problems.map(({ text }) => text),
    '; ',
  );
}

/** The first of many, and how many there are besides. */
export function listed(all: readonly string[], between = ', '): string {
  const told = all.slice(0, MOST_TOLD).map(oneLine).join(between);
  return all.length > MOST_TOLD ? `${told}${between}and ${all.length - MOST_TOLD} more` : told;
}

export function countText(count: number): string {
  return count === 1 ? '1 resource' : `${count} resources`;
}
