import { Policies } from '../client/policies.ts';
import type { Machine } from '../client/run.ts';
import { StepRuns } from '../client/step-runs.ts';
import type { StepOptions, StepParts } from '../client/steps/parts.ts';
import { policyKind } from '../client/steps/policy.ts';
import { execIn } from '../platform/exec.ts';
import { powerOf } from '../platform/power.ts';
import { runProgram } from '../platform/program.ts';
import { servicesOf } from '../platform/services.ts';

/** Runs of steps and policies of a machine. */
export interface RunsHere {
  runs: StepRuns;
  policies: Policies;
}

/** Puts them together from their adapters. */
export function runsOf(machine: Machine, options: StepOptions): RunsHere {
  const { root, facts, work } = machine.paths;
  const { platform } = process;
  const parts: StepParts = {
    machine,
    exec: execIn(work),
    power: powerOf({ root, facts, platform, run: runProgram }),
    services: servicesOf(root, platform, runProgram),
    options,
  };
  const runs = new StepRuns(parts);
  const policies = new Policies(parts, runs);
  runs.add(policyKind(policies, runs.store));
  return { runs, policies };
}
