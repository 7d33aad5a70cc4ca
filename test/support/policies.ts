import { silentReporter } from '@d3/sdk';
import { addPolicy, type PolicyChanges, type SavedPolicy } from '../../src/admin/policies.ts';
import { Policies } from '../../src/client/policies.ts';
import type { Machine } from '../../src/client/run.ts';
import { StepRuns } from '../../src/client/step-runs.ts';
import type { StepParts } from '../../src/client/steps/parts.ts';
import { policyKind } from '../../src/client/steps/policy.ts';
import { execIn } from '../../src/platform/exec.ts';
import type { Sandbox } from './sandbox.ts';

/** Runs and policies of a machine, put together as the command line does it; its power and its services are the test's. */
export function policiesOf(machine: Machine, changes: Partial<StepParts> = {}): { runs: StepRuns; policies: Policies } {
  const parts: StepParts = {
    machine,
    exec: execIn(machine.paths.work),
    power: { bootId: async () => null, restart: async () => false },
    services: { isActive: async () => null, act: async () => undefined },
    options: { debug: false, wait: 0, parent: null, signal: new AbortController().signal, report: silentReporter },
    ...changes,
  };
  const runs = new StepRuns(parts);
  const policies = new Policies(parts, runs);
  runs.add(policyKind(policies, runs.store));
  return { runs, policies };
}

/** Adds a policy; unless it is said otherwise one whose steps hold where they are. */
export function policy(
  sandbox: Sandbox,
  name: string,
  steps: unknown[],
  changes: PolicyChanges = {},
): Promise<SavedPolicy> {
  return sandbox.admin((session) => addPolicy(name, { file: { steps, folder: sandbox.dir }, ...changes }, session));
}
