import type { StepHere } from '@d3/sdk';
import type { Parts } from '../parts.ts';
import { done, type StepEnd } from './kind.ts';
import { busy } from './quiet.ts';
import { stillRestarting } from './restart.ts';

/** How a step that changes the machine ends before it begins: a restart is under way, it is left out, or something else is at work. */
export async function notNow(parts: Parts, run: string): Promise<StepEnd | null> {
  const restarting = await stillRestarting(parts, run);
  if (restarting !== null) return restarting;
  const why = await leftOut(parts, run);
  if (why !== null) return done(`it is left out: ${why}`);
  return busy(parts, run);
}

/** Why the rest of a deployment is left out: somebody released the machine as it is, or a failure is to end in that. */
async function leftOut({ memory, ports }: Parts, run: string): Promise<string | null> {
  const { override } = memory.of(run);
  if (override !== null) return `${override.by} releases it as it is: ${override.why}`;
  const failure = (await ports.runs.get(run))?.steps.find(endsIt);
  return failure === undefined ? null : `${failure.name} failed, and then the machine is released`;
}

/** A step that failed, where the settings say: release it then. */
export function endsIt({ kind, state, args }: StepHere): boolean {
  return kind === 'provision-event' && state === 'failed' && args['onFailure'] === 'release';
}
