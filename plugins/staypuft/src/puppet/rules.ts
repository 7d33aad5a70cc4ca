import type { PuppetReport, ReportedLog, ReportedResource } from './report.ts';

/** When a run of Puppet did what it should. Pure. */

/** Runs until nothing changes any more, unless a step says otherwise. */
export const ROUNDS = 3;

export interface Expectation {
  /** The environment the catalog has to be of; null: whichever the host is in. */
  environment: string | null;
  /** Resources that alone may change; null: all may. */
  only: readonly string[] | null;
  /** Transactions of runs before this one: their reports are not its own. */
  before: readonly string[];
}

/** One thing that was not as it should be. */
interface Problem {
  /**
   * `resources`: another run may bring it about, as some services need several. `run`: the run itself was not one that counts,
   * and another one would be the same.
   */
  kind: 'resources' | 'run';
  text: string;
}

export interface Verdict {
  problems: readonly Problem[];
  /** Names of the resources that changed. */
  changed: readonly string[];
}

/** What Puppet's detailed exit codes say of a run that was attempted. */
const CHANGES = 2;
const FAILURES = 4;

/**
 * A run counts when it was attempted, applied a fresh catalog of the environment that is meant, and nothing of it failed, failed to
 * restart, or was skipped because of something that failed. Clocks are asked nothing.
 * @param code what the agent ended with
 */
export function judge(code: number, report: PuppetReport, expectation: Expectation): Verdict {
  const changed = report.resources.filter(isChanged).map(({ name }) => name);
  return {
    problems: [
      ...runProblems(code, report, expectation),
      ...resourceProblems(report),
      ...otherChanges(changed, expectation),
    ],
    changed,
  };
}

/** Whether another round is run after this one. */
export function isAnotherRound(verdict: Verdict, round: number, rounds: number): boolean {
  if (round >= rounds) return false;
  if (verdict.problems.some(({ kind }) => kind === 'run')) return false;
  return verdict.problems.length > 0 || verdict.changed.length > 0;
}

function runProblems(code: number, report: PuppetReport, { environment, before }: Expectation): Problem[] {
  const texts: string[] = [];
  if (before.includes(report.transaction)) texts.push(`its report is that of an earlier run (${report.transaction})`);
  if (report.noop) texts.push('it only said what it would do (noop)');
  if (report.cached !== null) texts.push(`it applied a cached catalog (${report.cached})`);
  if (environment !== null && report.environment !== environment)
    texts.push(`it applied environment ${report.environment}, not ${environment}`);
  if (!report.completed) texts.push('it did not go through the whole catalog');
  const isFailed = code === 1 || (code & FAILURES) > 0;
  const failures = report.resources.some(({ failed, failedToRestart }) => failed || failedToRestart);
  if (code === 1 || (report.status === 'failed' && !failures)) texts.push(`it applied no catalog${because(report)}`);
  else if (isFailed && !failures) texts.push(`it ended with ${code}${because(report)}`);
  else if (!isFailed && report.status === 'failed')
    texts.push(`it ended with ${code}, and its report says that it failed`);
  else if ((code & CHANGES) === 0 && code === 0 && report.status === 'changed')
    texts.push('it ended with 0, and its report says that something changed');
  return texts.map((text) => ({ kind: 'run', text }));
}

function resourceProblems(report: PuppetReport): Problem[] {
  const { resources, logs } = report;
  const problems: string[] = [];
  for (const one of resources) {
    if (one.failedToRestart) problems.push(`${one.name} failed to restart${said(one, logs)}`);
    else if (one.failed) problems.push(`${one.name} failed${said(one, logs)}`);
  }
  for (const name of skipped(report)) problems.push(`${name} was skipped because of something that failed`);
  return problems.map((text) => ({ kind: 'resources', text }));
}

const SKIPPED = /^Skipping .*because of failed (?:class )?dependencies/;

/** Puppet says why it left a resource out in its log alone: it may also be that a schedule or a tag did not let it. */
function skipped({ resources, logs }: PuppetReport): string[] {
  const sources = logs.filter(({ message }) => SKIPPED.test(message)).map(({ source }) => source);
  const named = resources.filter(({ skipped, name }) => skipped && sources.some((source) => isOf(source, name)));
  const names = named.map(({ name }) => name);
  const rest = sources.filter((source) => !names.some((name) => isOf(source, name)));
  return [...names, ...rest];
}

function otherChanges(changed: readonly string[], { only }: Expectation): Problem[] {
  if (only === null) return [];
  const allowed = new Set(only.map(plain));
  return changed
    .filter((name) => !allowed.has(plain(name)))
    .map((name) => ({ kind: 'run', text: `${name} changed, and nothing but ${only.join(', ')} may` }));
}

function isChanged({ changed, events }: ReportedResource): boolean {
  return changed || events.some(({ status }) => status === 'success');
}

const MOST_LINES = 3;

/** What was logged of a resource, for its failure. */
function said({ name, events }: ReportedResource, logs: readonly ReportedLog[]): string {
  const ofIt = logs.filter(({ level, source }) => level === 'err' && isOf(source, name)).map(({ message }) => message);
  const messages =
    ofIt.length > 0 ? ofIt : events.filter(({ status }) => status === 'failure').map(({ message }) => message);
  return quoted(messages);
}

function because({ logs }: PuppetReport): string {
  return quoted(logs.filter(({ level }) => level === 'err').map(({ message }) => message));
}

function quoted(messages: readonly string[]): string {
  const lines = [...new Set(messages.map(oneLine))].filter((line) => line !== '').slice(0, MOST_LINES);
  return lines.length === 0 ? '' : `: ${lines.join('; ')}`;
}

const LONGEST_LINE = 400;

export function oneLine(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 1)}…` : line;
}

/** Whether a log's source is a resource, or one of its properties: `/Stage[main]/Main/File[/etc/motd]/ensure`. */
function isOf(source: string, name: string): boolean {
  return source === name || source.endsWith(`/${name}`) || source.includes(`/${name}/`);
}

/** People write `service[puppet]`, too. */
function plain(name: string): string {
  return name.replace(/^[^[]*/, (type) => type.toLowerCase());
}

/** What agents are kept off and on by; where a site's own module does it, it has a timer or an entry of cron besides. */
export const AGENT_RESOURCES = ['Service[puppet]', 'Service[puppet-run.timer]', 'Cron[puppet]'] as const;

/**
 * What the catalog of a run wants the agent's service to be. The module that comes with d3 says it by a tag, whether or not something
 * changed; others say it only by what they changed.
 * @returns `unknown`: the service is in the catalog and as it should be, and how that is is not said
 */
export function wantedAgent(
  { resources }: PuppetReport,
  services: readonly string[],
): 'on' | 'off' | 'unknown' | 'unmanaged' {
  const names = new Set(services.map(plain));
  const managed = resources.filter(({ name, skipped: isSkipped }) => names.has(plain(name)) && !isSkipped);
  if (managed.length === 0) return 'unmanaged';
  const has = (tag: string) => managed.some(({ tags }) => tags.includes(tag));
  if (has('d3_agent_service')) return 'on';
  if (has('d3_agent_none')) return 'off';
  const wanted = managed
    .filter(({ name }) => /^service\[/i.test(name))
    .flatMap(({ events }) => events.filter(({ status }) => status === 'success').map((event) => event.wanted));
  if (wanted.some((value) => value === 'running' || value === 'true')) return 'on';
  if (wanted.some((value) => value === 'stopped' || value === 'false')) return 'off';
  return 'unknown';
}
