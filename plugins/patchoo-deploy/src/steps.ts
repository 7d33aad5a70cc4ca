import type { StepToRun } from '@d3/sdk';
import type { Mode } from './memory.ts';
import { type DeployEvent, readEvent } from './rules/events.ts';
import type { WrittenSettings } from './settings.ts';

/** Args of a step of an event. */
export interface EventArgs {
  word: string;
  onFailure: DeployEvent['onFailure'];
  ifNoPolicy: DeployEvent['ifNoPolicy'];
}

type StepSettings = Pick<
  WrittenSettings,
  'checkIn' | 'deployEvent' | 'buildEvent' | 'extraEvents' | 'update' | 'afterSetup' | 'afterDeploy' | 'attributes'
>;

/** How often a check-in is tried again in which something could not be installed. */
const CHECK_IN_TRIES = 3;

/**
 * The steps of a deployment, in their order. What a step does depends on what is known when its turn comes; which there are does not.
 * @throws D3Error usage for settings that cannot be used
 */
export function stepsOf(mode: Mode, settings: StepSettings): StepToRun[] {
  const { checkIn, afterSetup, afterDeploy, update } = settings;
  const restart = (name: string): StepToRun => ({ kind: 'reboot', args: {}, name, required: true, onFailure: 'hold' });
  const own = (kind: string, name: string, changes: Partial<StepToRun> = {}): StepToRun => ({
    kind: `provision-${kind}`,
    args: {},
    name,
    required: true,
    onFailure: 'hold',
    ...changes,
  });
  const quiet = own('quiet', 'nothing updates the system');
  const deploy = [
    own('resolve', 'what this machine is'),
    own('name', 'its name', { retries: 2 }),
    ...(checkIn === 'yes' ? [own('check-in', 'check-in', { retries: CHECK_IN_TRIES })] : []),
    ...eventsOf(settings).map(eventStep),
    own('deployed', 'deployed'),
    ...(afterDeploy === 'always' ? [quiet, restart('restart after deployment')] : []),
  ];
  return [
    quiet,
    ...(afterSetup === 'always' ? [restart('restart after setup')] : []),
    own('clock', 'the time is right'),
    own('connect', 'the depot answers'),
    ...(mode === 'deploy' ? deploy : []),
    ...(update === 'yes' || mode === 'update-only' ? [own('update', 'updates', { timeout: 86_400 })] : []),
    own('release', 'release'),
  ];
}

/** The events of a deployment: of every machine, of its build where builds are known, and what else is wanted. */
export function eventsOf({ deployEvent, buildEvent, extraEvents, attributes }: StepSettings): DeployEvent[] {
  const builds = attributes.some((key) => key.trim() === 'build');
  const written: [string, string][] = [
    ['provision.deployEvent', deployEvent],
    ...(builds ? ([['provision.buildEvent', buildEvent]] as [string, string][]) : []),
    ...extraEvents.map((text) => ['provision.extraEvents', text] as [string, string]),
  ];
  return written.flatMap(([setting, text]) => readEvent(text, setting) ?? []);
}

function eventStep({ word, required, retries, timeout, onFailure, ifNoPolicy }: DeployEvent): StepToRun {
  const args: EventArgs = { word, onFailure, ifNoPolicy };
  return {
    kind: 'provision-event',
    args: { ...args },
    name: word,
    required,
    retries,
    timeout,
    // One that is not required stops nothing; one that is, and goes on, is in the way of the release.
    onFailure: required && onFailure === 'hold' ? 'hold' : 'continue',
  };
}
