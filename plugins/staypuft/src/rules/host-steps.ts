import type { Json, StepToRun } from '@d3/sdk';
import type { Blueprint, Host, Role, RoleStep } from '../types.ts';

/** What is done to a host, in this order, each a run of its own. */
export const PHASES = ['prepare', 'role', 'release'] as const;
export type Phase = (typeof PHASES)[number];

/** The environment of Foreman in which a host is held, and changes nothing but its agent. */
const HOLDING = 'discovery';

export interface HostToDeploy {
  deployment: string;
  /** Name of its document. */
  host: string;
  kind: Host['kind'];
  role: Role;
  /** Whether any role of the blueprint runs Puppet: see {@link usesPuppet}. */
  puppet: boolean;
  /** Title of its role's hostgroup; null: it is not deployed by way of Foreman, or nobody said which. */
  hostgroup: string | null;
}

/** The steps of one host, phase by phase. */
export type HostSteps = Readonly<Record<Phase, readonly StepToRun[]>>;

/**
 * What is done to a host of a deployment. A host that is registered, reached by SSH or a computer is never installed anew, and
 * restarted only where its role says so.
 */
export function stepsOf(one: HostToDeploy): HostSteps {
  const puppet = hasAgent(one);
  return {
    prepare: preparing(one, puppet),
    role: configuring(one),
    release: releasing(one, puppet),
  };
}

/** Whether a blueprint runs Puppet anywhere: then the agent of all its discovered and registered hosts is kept off meanwhile. */
export function usesPuppet({ roles }: Pick<Blueprint, 'roles'>): boolean {
  return (roles as readonly Role[]).some(runsPuppet);
}

/** Name of the run of a phase; {@link phaseOfRun} reads it. */
export function runName(deployment: string, host: string, phase: Phase): string {
  return `${deployment}: ${host}: ${phase}`;
}

/** The phase and the host that a run of {@link runName} is of; null for any other. */
export function phaseOfRun(deployment: string, name: string): { host: string; phase: Phase } | null {
  const begin = `${deployment}: `;
  const phase = PHASES.find((one) => name.endsWith(`: ${one}`));
  if (phase === undefined || !name.startsWith(begin)) return null;
  const host = name.slice(begin.length, -`: ${phase}`.length);
  return host === '' ? null : { host, phase };
}

function preparing(one: HostToDeploy, puppet: boolean): StepToRun[] {
  const off = puppet ? [agent(one, 'off', isForeman(one) ? HOLDING : undefined)] : [];
  const ready = step(one, 'deploy-ready', {}, 'wait until it is reached');
  const mark = step(one, 'deploy-mark', { is: 'on' }, 'mark it as being deployed');
  switch (one.kind) {
    case 'discovered':
      return [
        ...foreman(one, 'convert', 'make sure it is managed'),
        ...foreman(one, 'provision', 'install its system'),
        ...foreman(one, 'provisioned', 'wait until it is installed'),
        ready,
        mark,
        ...off,
      ];
    case 'registered':
      return [ready, ...foreman(one, 'autosign', 'let its certificate be signed', { is: 'on' }), ...off, mark];
    case 'ssh':
    case 'computer':
      return [ready, mark, ...off];
  }
}

function configuring(one: HostToDeploy): StepToRun[] {
  const environment = foreman(one, 'environment', 'change to the environment of its hostgroup');
  return [...environment, ...one.role.steps.map((each) => roleStep(one, each))];
}

function releasing(one: HostToDeploy, puppet: boolean): StepToRun[] {
  const signed = one.kind === 'registered' ? foreman(one, 'autosign', 'sign no more by itself', { is: 'off' }) : [];
  return [
    ...(puppet ? [agent(one, 'on')] : []),
    step(one, 'deploy-mark', { is: 'off' }, 'take the mark away'),
    ...signed,
  ];
}

/** Where the checks begin that a role ends with: when only they are left, the host is being verified. Null: it ends with none. */
export function checksFrom({ role }: HostSteps): number | null {
  const last = role.findLastIndex(({ args }) => {
    const each = args['step'];
    return !(typeof each === 'object' && each !== null && 'assert' in each);
  });
  return last === role.length - 1 ? null : last + 1;
}

/** One of a role's steps, as what carries it out. */
function roleStep(one: HostToDeploy, each: RoleStep): StepToRun {
  const { timeout, retries } = each;
  const given = { ...(timeout === undefined ? {} : { timeout }), ...(retries === undefined ? {} : { retries }) };
  const made =
    'puppet' in each
      ? step(one, 'deploy-puppet', { role: one.role.name, puppet: json(each.puppet) }, titleOf(each))
      : step(one, 'deploy-step', { role: one.role.name, step: json(each) }, titleOf(each));
  return { ...made, ...given };
}

/** What a step is called: its own name, else what it does. */
export function titleOf(each: RoleStep): string {
  if (each.name !== undefined) return each.name;
  if ('sync' in each) return 'sync';
  if ('install' in each) return `install ${each.install}`;
  if ('script' in each) return 'script';
  if ('policy' in each) return `policy ${each.policy}`;
  if ('puppet' in each) return 'puppet';
  if ('reboot' in each) return each.reboot === 'bmc' ? 'restart by its board' : 'restart';
  if ('assert' in each) return `check ${firstLine(each.assert)}`;
  if ('service' in each) return `service ${each.service} ${each.is}`;
  const { wait } = each;
  if ('seconds' in wait) return `wait ${wait.seconds} seconds`;
  return 'port' in wait ? `wait for port ${wait.port}` : `wait until ${firstLine(wait.until)}`;
}

function firstLine(text: string): string {
  const line = (text.trim().split('\n', 1)[0] ?? '').replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

function runsPuppet(role: Role): boolean {
  return role.steps.some((each) => 'puppet' in each);
}

/** Of hosts of Foreman the agent is everybody's matter where Puppet is used at all; of others where their role runs it. */
function hasAgent(one: HostToDeploy): boolean {
  return runsPuppet(one.role) || (isForeman(one) && one.puppet);
}

/** Whether a host of this kind is deployed by way of Foreman. */
export function isForeman({ kind }: Pick<HostToDeploy, 'kind'>): boolean {
  return kind === 'discovered' || kind === 'registered';
}

/** Nothing where no hostgroup is known: a plan says so before anything is done. */
function foreman(
  one: HostToDeploy,
  what: string,
  name: string,
  more: Readonly<Record<string, Json>> = {},
): StepToRun[] {
  if (!isForeman(one) || one.hostgroup === null) return [];
  return [step(one, 'deploy-foreman', { do: what, ...more }, name)];
}

function agent(one: HostToDeploy, is: 'on' | 'off', environment?: string): StepToRun {
  const args = { is, ...(environment === undefined ? {} : { environment }) };
  return step(one, 'deploy-agent', args, `have its agent ${is}, and nothing else changed`);
}

function step(one: HostToDeploy, kind: string, args: Readonly<Record<string, Json>>, name: string): StepToRun {
  return { kind, name, args: { deployment: one.deployment, host: one.host, ...args } };
}

/** A part of a blueprint as the data it is. */
function json(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
