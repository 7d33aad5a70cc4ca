import type { TrustedCatalog } from '../depot/contract.ts';
import type { Request } from '../planner/types.ts';
import { gatherMachineFacts } from '../platform/machine.ts';
import { findDrift } from './drift.ts';
import { exitOf, outcomeOfDecision } from './outcome.ts';
import { catalogFor, makePlan, type Planned } from './planning.ts';
import { withProvisioning } from './provisioning.ts';
import { cutOf } from './recovery.ts';
import { roomOf } from './room.ts';
import type { Machine, RunOptions, RunResult } from './run.ts';
import { ScriptBlobs } from './script-blobs.ts';
import { StateReader } from './state/state.ts';
import { nowOf, openActions } from './under-way.ts';

/** The plan alone: nothing is locked, written or reported. */
export async function rehearse(
  request: Request,
  machine: Machine,
  options: RunOptions,
  run: string,
): Promise<RunResult> {
  const state = StateReader.open(machine.paths);
  try {
    const warnings: string[] = [];
    const trusted = await catalogFor(request, machine.depot, false, state.deferred(), warnings);
    const { plan } = await planOnly(request, { machine, run, state, trusted, ...options });
    const outcomes = plan.decisions.filter((decision) => decision.verdict !== 'act').map(outcomeOfDecision);
    const { cut, underWay } = openActions(state, machine.paths);
    warnings.push(...underWay.map(nowOf));
    warnings.push(...cut.map((entry) => `${cutOf(entry)}; the next run takes that up first`));
    warnings.push(...plan.warnings);
    return {
      run,
      command: options.command,
      exit: exitOf(outcomes),
      dryRun: true,
      plan,
      outcomes,
      restart: [],
      warnings,
    };
  } finally {
    state.close();
  }
}

interface PlanOnlyParts extends Pick<RunOptions, 'signal' | 'report'> {
  machine: Machine;
  run: string;
  state: StateReader;
  trusted: TrustedCatalog | null;
}

/** Plans a request from what is so at this moment, with what may be read only. */
export async function planOnly(request: Request, parts: PlanOnlyParts): Promise<Planned> {
  const { machine, run, state, trusted, signal, report } = parts;
  const { plugins, settings, clock, depot, paths, formats, driverFor } = machine;
  const found = await gatherMachineFacts(paths.root, paths.facts);
  const room = roomOf({ paths, host: found, state, scripts: new ScriptBlobs(paths.scripts, depot), signal, report });
  const host = await withProvisioning(found, state.computerId(), plugins, room);
  const warn = (text: string) => report({ type: 'warning', target: null, text });
  const drift = await findDrift(state.receipts(), driverFor, paths.root, warn);
  const gathered = { run, state, host, trusted, formats, drift, plugins, room, settings, clock };
  const inProgress = openActions(state, paths).underWay.map(({ basename }) => basename);
  return makePlan(request, { ...gathered, inProgress });
}
