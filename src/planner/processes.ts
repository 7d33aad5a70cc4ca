import type { Obstacle } from './availability.ts';
import { daysBetween } from './days.ts';
import { reason } from './reasons.ts';
import type { Action, Decision, Facts, Plan, Reason } from './types.ts';

/** What is known of the processes of a machine. */
type Running = Pick<Facts['machine'], 'processes' | 'cutProcesses'>;

const KEPT_BYTES = 15;

/**
 * Those of the names that run, each once. A name is compared whole; only where the system tells no more than the first 15
 * bytes of a process's name, these suffice.
 */
export function whichRun(names: readonly string[], { processes, cutProcesses }: Running): string[] {
  return [...new Set(names)].filter((name) => processes.includes(name) || cutProcesses.includes(beginningOf(name)));
}

function beginningOf(name: string): string {
  return Buffer.from(name).subarray(0, KEPT_BYTES).toString();
}

/** Names of the processes that must not run while this is done. */
export function prohibitedBy(action: Action): string[] {
  if (action.kind === 'uninstall') return action.receipt.prohibitingProcesses;
  if (action.kind !== 'install') return [];
  const removed = action.removeFirst ? (action.replaces?.prohibitingProcesses ?? []) : [];
  return [...action.edition.prohibitingProcesses, ...removed];
}

/**
 * What running processes are to an action: an obstacle, unless force lifts it or they will be asked to end first.
 * @param names of processes that prohibit it
 */
export function processObstacles(names: readonly string[], basename: string, facts: Facts, force: boolean): Obstacle[] {
  if (force || facts.settings.quitProcesses === 'ask') return [];
  const running = whichRun(names, facts.machine);
  return running.length === 0 ? [] : [processObstacle(running, waitingSince(basename, facts), facts.at)];
}

/** Since when a basename waits for processes to end: ISO 8601, now if it has not waited before. */
function waitingSince(basename: string, { waits, at }: Facts): string {
  return waits.find((wait) => wait.basename === basename)?.since ?? at;
}

/**
 * @param running at least one name
 * @param since when it began to wait for them, ISO 8601; `at` is now
 */
export function processObstacle(running: readonly string[], since: string, at: string): Obstacle {
  return {
    reason: reason('PROCESS_RUNNING', { processes: running, since, days: daysBetween(since, at) }),
    inSync: 'held',
    exit: 'refused',
    actions: [`quit ${running[0]} first, or use -f`],
  };
}

/** What a held decision waits for, when it is processes. */
export function waitOf({ because, reasons }: Pick<Decision, 'because' | 'reasons'>): Wait | null {
  const found = because === 'PROCESS_RUNNING' ? reasons.find(({ code }) => code === because) : undefined;
  if (found === undefined) return null;
  const { processes, since } = found.data as { processes: string[]; since: string };
  return { processes, since };
}

/** What keeps something from being done, and since when (ISO 8601). */
export interface Wait {
  processes: string[];
  since: string;
}

/** Says of a plan whose processes will be asked to end, and which have been in the way for too long. Pure. */
export function withProcesses(plan: Plan, facts: Facts): Plan {
  const decisions = plan.decisions.map((decision) => askingFirst(decision, facts));
  return { ...plan, decisions, warnings: [...plan.warnings, ...longWaits(decisions, facts)] };
}

function askingFirst(decision: Decision, facts: Facts): Decision {
  const { action } = decision;
  if (action === null || facts.settings.quitProcesses === 'off' || ('force' in action && action.force)) return decision;
  const running = whichRun(prohibitedBy(action), facts.machine);
  if (running.length === 0) return decision;
  const asked: Reason = reason('ASKED_TO_QUIT', { processes: running });
  return { ...decision, reasons: [...decision.reasons, asked] };
}

function longWaits(decisions: readonly Decision[], facts: Facts): string[] {
  const { settings, at } = facts;
  if (settings.noticeDays === 0) return [];
  return decisions.flatMap((decision) => {
    const wait = waitOf(decision) ?? askedInVain(decision, facts);
    const days = wait === null ? 0 : daysBetween(wait.since, at);
    if (wait === null || days < settings.noticeDays) return [];
    return `${decision.edition ?? decision.target} has waited ${days} days for ${wait.processes.join(', ')} to end: ask whoever uses it to quit it`;
  });
}

/** What is to be asked to end once more, and has not ended when it was asked before. */
function askedInVain({ basename, reasons }: Decision, { waits }: Facts): Wait | null {
  const asked = reasons.find(({ code }) => code === 'ASKED_TO_QUIT');
  const since = waits.find((wait) => wait.basename === basename)?.since;
  return asked === undefined || since === undefined ? null : { processes: asked.data['processes'] as string[], since };
}
