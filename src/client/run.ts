import { D3Error, EXIT_CODES, type Reporter } from '@d3/sdk';
import { indexCatalog } from '../catalog/resolve.ts';
import type { PackageFormat } from '../catalog/types.ts';
import type { DepotClient } from '../depot/contract.ts';
import type { DriverFor } from '../installers/index.ts';
import type { PluginRoom, Plugins } from '../lifecycle/plugins.ts';
import type { Decision, Plan, PlannerSettings, Request } from '../planner/types.ts';
import type { Clock } from '../platform/clock.ts';
import { gatherMachineFacts, type MachineFacts, unknownMachine } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { openRootFs } from '../platform/rootfs.ts';
import { newRunId } from '../run-id.ts';
import { carryOutDecision } from './act.ts';
import { adoptFromDisk } from './adopt.ts';
import { claimsHere } from './claims-here.ts';
import type { ActingContext } from './context.ts';
import { filesNeeded, scriptsOf } from './deferred.ts';
import { findDrift } from './drift.ts';
import { sweepPackages, trimPackages } from './fetch.ts';
import { joinOrLock } from './lock.ts';
import { type Log, logging, type OpenLog } from './log.ts';
import { exitOf, type Outcome, problemOf } from './outcome.ts';
import { catalogFor, makePlan, type Planned } from './planning.ts';
import { processesHere } from './processes.ts';
import { withProvisioning } from './provisioning.ts';
import { finishInterrupted } from './recovery.ts';
import { rehearse } from './rehearsal.ts';
import { deliverReports, isKnownAlready, makeReport } from './report.ts';
import { roomOf, roomOutside } from './room.ts';
import { ScriptBlobs } from './script-blobs.ts';
import { clearStagings } from './staging.ts';
import { isDamage } from './state/damage.ts';
import { openOrRebuild, rebuiltWords } from './state/rebuild.ts';
import { State, StateReader } from './state/state.ts';
import { passed } from './uninstall.ts';

/** Everything a machine needs to run; handed in. */
export interface Machine {
  paths: MachinePaths;
  depot: DepotClient | null;
  driverFor: DriverFor;
  /** Formats of packages this machine can install. */
  formats: PackageFormat[];
  plugins: Plugins;
  clock: Clock;
  settings: PlannerSettings & {
    removeFirst: 'seed' | 'after-gate';
    /** What fetched packages may take, bytes; what is needed stays all the same. */
    cacheBytes: number;
  };
  /** Where a run leaves its lines. */
  openLog: OpenLog;
  /** Version of this d3, for the report. */
  version: string;
}

export interface RunOptions {
  /** Name of the command, for records and messages. */
  command: string;
  admin: string;
  dryRun: boolean;
  /** Seconds to wait for another run to end. */
  wait: number;
  debug: boolean;
  /** Whether the user may be told of what was queued. */
  notify: boolean;
  /** The run this one was started from, by one of its scripts; null when there is none. */
  parent: string | null;
  /** What scripts see besides what all see; left out: nothing. */
  environment?: Readonly<Record<string, string>>;
  signal: AbortSignal;
  report: Reporter;
}

export interface RunResult {
  run: string;
  command: string;
  exit: number;
  dryRun: boolean;
  plan: Plan;
  outcomes: Outcome[];
  /** Editions this run installed that need a restart now. */
  restart: string[];
  warnings: string[];
}

/** One run under way. */
interface Running {
  request: Request;
  machine: Machine;
  options: RunOptions;
  run: string;
  state: State;
  host: MachineFacts;
  /** Why the host's facts are not known; null when they are. */
  hostFailure: { error: unknown } | null;
  /** Part of another run, which holds the lock and is busy with something of its own. */
  nested: boolean;
  warnings: string[];
  /** When the catalog that is gone by expires, ISO 8601; null until there is one. */
  catalogExpires: string | null;
  log: Log;
}

/** facts → plan → act → receipt → report. The one way anything changes on a machine. */
export async function runRequest(request: Request, machine: Machine, options: RunOptions): Promise<RunResult> {
  const run = newRunId(machine.clock.now());
  if (options.dryRun) return rehearse(request, machine, options, run);
  const lock = await joinOrLock({
    paths: machine.paths,
    parent: options.parent,
    command: options.command,
    wait: options.wait,
    clock: machine.clock,
    signal: options.signal,
    onWait: () =>
      options.report({ type: 'note', target: null, text: 'another d3 run is changing this machine: waiting' }),
  });
  const { level } = lock;
  const nested = level > 0;
  let result: RunResult;
  let host: MachineFacts;
  try {
    if (nested && request.kind === 'sync') throw nestedSync();
    const { state, rebuilt } = nested
      ? { state: State.open(machine.paths), rebuilt: null }
      : openOrRebuild(machine.paths, machine.clock.now());
    let damaged = false;
    const warnings = rebuilt === null ? [] : [rebuiltWords(rebuilt)];
    const tell = (text: string) => options.report({ type: 'detail', target: null, text });
    const log = machine.openLog(run, options.debug, tell);
    log.write('info', `${options.command} begins, by ${options.admin}${nested ? `, part of ${options.parent}` : ''}`);
    const logged = { ...options, report: logging(options.report, log) };
    try {
      if (nested) state.setNestedRun(level, run);
      else state.setCurrentRun(run);
      lock.begun();
      const gathered = await gathering(machine.paths);
      const own = { request, machine, options: logged, run, state, nested, warnings, log };
      const running: Running = { ...own, ...gathered, catalogExpires: null };
      result = await runLocked(running);
      host = running.host;
      for (const text of warnings) log.write('warn', text);
      log.write('info', `${options.command} ends with ${result.exit}`);
    } catch (error) {
      log.write('fatal', `${options.command} ends: ${(error as Error).message}`);
      damaged = isDamage(error);
      throw error;
    } finally {
      // One that found damage is not over: the next run examines everything.
      if (nested) state.setNestedRun(level, null);
      else if (!damaged) state.setCurrentRun(null);
      state.close();
      log.close();
    }
  } finally {
    lock.release();
  }
  const { paths, depot } = machine;
  const { signal, report } = options;
  const room = roomOutside({ paths, host, scripts: new ScriptBlobs(paths.scripts, depot), signal, report });
  await tellOfQueue(result, machine, options, room);
  if (request.kind === 'sync') await tellAfterSync(result, machine, room);
  return result;
}

/**
 * Tells whoever tells users that something was queued in this run, and what waits altogether. A policy takes the lock itself where it
 * needs it, so this comes after the run.
 */
async function tellOfQueue(
  { outcomes }: RunResult,
  machine: Machine,
  options: RunOptions,
  room: PluginRoom,
): Promise<void> {
  const editions = outcomes.flatMap(({ status, edition }) =>
    status === 'deferred' && edition !== null ? [edition] : [],
  );
  if (editions.length === 0 || !options.notify) return;
  const { paths, plugins } = machine;
  const state = StateReader.open(paths);
  const queue = state.deferred().map(({ edition }) => edition.edition);
  state.close();
  await plugins.deferred({ editions, queue }, room);
}

/** What was done is known to whoever wants to know; a policy that is run for it takes the lock as any other. */
async function tellAfterSync({ run, exit, outcomes }: RunResult, machine: Machine, room: PluginRoom): Promise<void> {
  const told = outcomes.map(({ target, edition, status, text }) => ({ target, edition, status, text }));
  await machine.plugins.afterSync({ run, exit, outcomes: told }, room);
}

/** Facts that cannot be gathered end the run, but not without its report. */
async function gathering(paths: MachinePaths): Promise<Pick<Running, 'host' | 'hostFailure'>> {
  try {
    return { host: await gatherMachineFacts(paths.root, paths.facts), hostFailure: null };
  } catch (error) {
    return { host: unknownMachine(paths.root), hostFailure: { error } };
  }
}

function nestedSync(): D3Error {
  return new D3Error('NESTED_SYNC', 'refused', 'A script of a run cannot sync: the run it is part of is not over.', {
    target: 'sync',
    actions: ['install what the script needs by name: d3 install BASENAME'],
  });
}

async function runLocked(running: Running): Promise<RunResult> {
  const { machine, options, run, warnings } = running;
  const startedAt = machine.clock.now().toISOString();
  const outcomes: Outcome[] = [];
  let made: Planned | null = null;
  let exit: number;
  let failure: { error: unknown } | null = null;
  const context = actingContext(running);
  try {
    if (running.hostFailure !== null) throw running.hostFailure.error;
    running.host = await withProvisioning(running.host, running.state.computerId(), machine.plugins, context.room);
    if (!running.nested) {
      outcomes.push(...(await finishInterrupted(context, givenUp(running.request))));
      await clearStagings(context);
    }
    if (await isLeftTo(running, context)) {
      await record(running, { startedAt, exit: 0, made, outcomes, failure: null });
      return {
        run,
        command: options.command,
        exit: 0,
        dryRun: false,
        plan: emptyPlan(run),
        outcomes,
        restart: [],
        warnings,
      };
    }
    made = await decide(running, context, outcomes);
    for (const decision of made.plan.decisions) outcomes.push(await carryOutAndLog(decision, context, running.log));
    exit = exitOf(outcomes);
    await afterwards(running, made.plan, outcomes, context);
  } catch (error) {
    failure = { error };
    exit = exitOfFailure(error, options.signal);
  }
  await record(running, { startedAt, exit, made, outcomes, failure: asError(failure) });
  if (failure !== null) throw failure.error;
  const plan = made?.plan ?? emptyPlan(run);
  const restart = restartNeeded(plan, outcomes);
  return { run, command: options.command, exit, dryRun: false, plan, outcomes, restart, warnings };
}

function emptyPlan(run: string): Plan {
  return { schema: 'd3/plan@1', run, decisions: [], warnings: [] };
}

/** Whether a sync is somebody else's matter at the moment, who says why. @throws D3Error when a plugin refuses it */
async function isLeftTo({ request, machine, run, warnings }: Running, { room }: ActingContext): Promise<boolean> {
  if (request.kind !== 'sync') return false;
  const verdict = passed(await machine.plugins.beforeSync(run, room), 'sync');
  if (verdict.kind !== 'settle') return false;
  warnings.push(`Nothing was done: ${verdict.reason}.`);
  return true;
}

async function carryOutAndLog(decision: Decision, context: ActingContext, log: Log): Promise<Outcome> {
  const name = decision.edition ?? decision.target;
  const why = decision.reasons.map(({ text }) => text).join('; ');
  log.write('info', `${name}: ${decision.action?.kind ?? decision.verdict} (${why})`);
  const outcome = await carryOutDecision(decision, context);
  if (outcome.problem !== null) log.write('error', `${name}: ${outcome.status}: ${outcome.text}`);
  else if (decision.action !== null) log.write('info', `${name}: ${outcome.status}`);
  return outcome;
}

/** What was cut and is to be forgotten now need not be finished first. */
function givenUp(request: Request): string[] {
  return request.kind === 'forget' ? request.targets : [];
}

async function decide(running: Running, { room, rootfs }: ActingContext, outcomes: Outcome[]): Promise<Planned> {
  const { request, machine, run, state, host, nested, warnings } = running;
  const { plugins, settings, clock, driverFor, formats, paths } = machine;
  const warn = (text: string) => void warnings.push(text);
  const trusted = await catalogFor(request, machine.depot, true, state.deferred(), warnings);
  running.catalogExpires = trusted?.expires ?? null;
  if (request.kind === 'sync' && trusted !== null && machine.depot !== null && state.rebuiltAt() !== null) {
    const index = indexCatalog(trusted.catalog);
    const { depot } = machine;
    outcomes.push(...(await adoptFromDisk({ index, state, rootfs, depot, clock, warn })));
    state.setRebuilt(null);
  }
  const inProgress = nested ? state.journal().map((entry) => entry.basename) : [];
  const drift = await findDrift(state.receipts(), driverFor, paths.root, warn);
  const parts = { run, state, host, trusted, formats, drift, plugins, room, settings, clock, inProgress };
  const made = await makePlan(request, parts);
  warnings.push(...made.plan.warnings);
  return made;
}

/** What is kept only as long as something may still need it. */
async function afterwards(
  { request, machine, state }: Running,
  plan: Plan,
  outcomes: readonly Outcome[],
  { scripts }: ActingContext,
): Promise<void> {
  await trimPackages(machine.paths.packages, stillWanted(plan, state), machine.settings.cacheBytes);
  if (request.kind !== 'sync') return;
  state.setWaits(
    outcomes.flatMap(({ basename, blockedBy }) =>
      basename === null || blockedBy === undefined ? [] : [{ basename, ...blockedBy }],
    ),
  );
  await sweepPackages(machine.paths.packages, stillWanted(plan, state));
  const removals = state.receipts().flatMap(({ preRemove, postRemove }) => [preRemove, postRemove]);
  const needed = [...removals, ...state.deferred().flatMap(({ edition }) => scriptsOf(edition))];
  scripts.keepOnly(new Set(needed.flatMap((script) => (script === null ? [] : [script.sha256]))));
}

interface Ended {
  startedAt: string;
  exit: number;
  made: Planned | null;
  outcomes: Outcome[];
  failure: Error | null;
}

function asError(failure: { error: unknown } | null): Error | null {
  if (failure === null) return null;
  return failure.error instanceof Error ? failure.error : new Error('it was ended');
}

/** The record of the run, and the report of it: sent now, or kept for the next run. */
async function record(running: Running, { startedAt, exit, made, outcomes, failure }: Ended): Promise<void> {
  const { machine, options, run, state, host, warnings } = running;
  const { command } = options;
  const finishedAt = machine.clock.now().toISOString();
  if (made !== null) {
    state.saveRun({ schema: 'd3/run@1', id: run, command, startedAt, finishedAt, exit, ...made, outcomes });
  }
  const { version } = machine;
  const { catalogExpires } = running;
  const parts = { run, at: finishedAt, command, exit, host, outcomes, failure, version, catalogExpires, state };
  const report = makeReport(parts);
  if (!isKnownAlready(report, machine.depot, state)) state.queueReport(report);
  await deliverReports(
    state,
    machine.depot,
    (text) => warnings.push(text),
    (text) => options.report({ type: 'detail', target: null, text }),
  );
}

/** Editions that were installed and need a restart now; a script that settled one knows better. */
function restartNeeded({ decisions }: Plan, outcomes: readonly Outcome[]): string[] {
  const installed = new Set(outcomes.filter(({ status }) => status === 'installed').map(({ edition }) => edition));
  return decisions.flatMap(({ action }) =>
    action?.kind === 'install' && action.edition.reboot && installed.has(action.edition.edition)
      ? [action.edition.edition]
      : [],
  );
}

function actingContext({ request, machine, options, run, state, host }: Running): ActingContext {
  const { paths, depot, driverFor, plugins, clock, settings } = machine;
  const { command, admin, debug, environment = {}, signal, report } = options;
  const scripts = new ScriptBlobs(paths.scripts, depot);
  return {
    paths,
    rootfs: openRootFs(paths.root),
    claims: claimsHere(paths.root, process.platform),
    state,
    depot,
    driverFor,
    plugins,
    room: roomOf({ paths, host, state, scripts, signal, report }),
    scripts,
    clock,
    signal,
    identity: { run, command, admin, force: 'force' in request && request.force, debug, environment },
    processes: processesHere(paths.facts),
    quitProcesses: settings.quitProcesses,
    asked: request.kind !== 'sync',
    removeFirst: settings.removeFirst,
    report,
  };
}

/** Files of packages that the next run may ask for again: those of installs that failed, are not finished, or wait. */
function stillWanted({ decisions }: Plan, state: State): Set<string> {
  const planned = decisions.flatMap(({ action }) => (action?.kind === 'install' ? [action.edition.file.sha256] : []));
  return new Set([...planned, ...filesNeeded(state)]);
}

function exitOfFailure(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return signal.reason instanceof D3Error ? signal.reason.exitCode : EXIT_CODES.interrupted.code;
  return EXIT_CODES[problemOf(error).exit].code;
}
