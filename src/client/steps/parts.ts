import type { ExecPort, Reporter } from '@d3/sdk';
import type { Power } from '../../platform/power.ts';
import type { Services } from '../../platform/services.ts';
import type { StepContext } from '../../runs/types.ts';
import type { Machine } from '../run.ts';

/** What runs of steps on a machine need besides the machine: ports, so that tests hand in their own. */
interface StepPorts {
  exec: ExecPort;
  power: Power;
  services: Services;
}

/** How the command that advances runs was started. */
export interface StepOptions {
  debug: boolean;
  /** Seconds a step that changes packages waits for another run to end. */
  wait: number;
  /** The run this process was started from, by one of its scripts; null when there is none. */
  parent: string | null;
  signal: AbortSignal;
  report: Reporter;
}

export interface StepParts extends StepPorts {
  machine: Machine;
  options: StepOptions;
}

/** What scripts of a run see: just the variables there are. A d3 that they start joins the run that holds the lock, if one does. */
export function stepEnvironment({ options }: Pick<StepParts, 'options'>, context: StepContext): Record<string, string> {
  const { run, index } = context;
  const retry = (run.steps[index]?.attempts ?? 1) > 1;
  return {
    ...run.environment,
    D3_RUN: options.parent ?? run.id,
    D3_ADMIN: run.by,
    ...(run.origin.kind === 'policy' ? { D3_POLICY: run.origin.name } : {}),
    ...(options.debug ? { D3_DEBUG: '1' } : {}),
    ...(retry ? { D3_RETRY: '1' } : {}),
  };
}
