import { randomBytes } from 'node:crypto';
import type { AdminPort, Json, PluginContext, StepPayload } from '@d3/sdk';
import { targetNamed } from '../deployment/reach.ts';
import { secretAt } from '../deployment/secrets.ts';
import { blueprintNamed, deploymentNamed, hostsIn } from '../deployment/store.ts';
import { cyclePower } from '../foreman/power.ts';
import { goesByJobs, refuseSecretsInJobs } from '../foreman/transport.ts';
import type { Kind } from '../kinds.ts';
import { environmentOf, valuesOf } from '../rules/parameters.ts';
import { listens, RESTART, type ScriptStep, scriptOf } from '../rules/step-script.ts';
import type { Remote, RemoteEnd, Target } from '../ssh-port.ts';
import type { RoleStep } from '../types.ts';
import { adminOf } from './admin.ts';
import { fields, type HostAnswer, hostKind, text } from './host-kind.ts';
import { STEP, workId } from './work-id.ts';

/** Seconds a script may take on a host, unless the step says otherwise; what it says besides d3 waits a little longer. */
const LIMIT = 7200;
const MARGIN = 120;
/** Seconds before a host is asked again that was busy, whether something is there, whether it was restarted. */
const BUSY = 30;
const EVERY = 10;
const RESTARTING = 5;
/** Seconds a host has to go away once it was told to restart, and to come back. */
const LEAVES = 300;
const RETURNS = 1800;

interface Here {
  admin: AdminPort;
  remote: Remote;
  target: Target;
  context: PluginContext;
  payload: StepPayload;
  /** What the step remembers. */
  data: { [key: string]: Json };
  now: number;
}

/** What roles have done on hosts, but for Puppet. */
export function stepKind(remoteOf: (context: PluginContext) => Promise<Remote>, cycle = cyclePower): Kind {
  const hereOf = async (payload: StepPayload, context: PluginContext): Promise<Here> => {
    const admin = adminOf(context);
    const target = await targetNamed(admin, text(payload.args['host']));
    const now = context.clock.now().getTime();
    return { admin, remote: await remoteOf(context), target, context, payload, data: fields(payload.data), now };
  };
  return hostKind({
    kind: STEP,
    summary: 'Does on a host what a step of its role says.',
    properties: { role: { type: 'string', minLength: 1, maxLength: 255 }, step: { type: 'object' } },
    required: ['role', 'step'],
    timeout: LIMIT + MARGIN,
    async run(payload, context) {
      const here = await hereOf(payload, context);
      const step = payload.args['step'] as unknown as RoleStep;
      if ('wait' in step) return waited(step.wait, here);
      if ('reboot' in step) return restarted(here, cycle);
      if ('puppet' in step) return { outcome: 'failed', text: 'Puppet has a step of its own' };
      return worked(step, here);
    },
    async settled(payload, context) {
      const here = await hereOf(payload, context);
      const end = await here.remote.find(here.target, workId(payload.run, payload.index), context.signal);
      return end !== null && end !== 'running' && end.code === 0 ? lastLine(end.output) : null;
    },
  });
}

/** One script: begun, or found again after a cut. */
async function worked(step: ScriptStep, here: Here): Promise<HostAnswer> {
  const { remote, target, context, payload } = here;
  const { signal } = context;
  const id = workId(payload.run, payload.index);
  const unique = randomBytes(12).toString('hex');
  const { script, meaning } = scriptOf(step, unique);
  const timeout = step.timeout ?? LIMIT;
  const environment = await environmentFor(here);
  let end: RemoteEnd;
  try {
    const onLine = (line: string) => context.ui({ type: 'detail', target: target.name, text: line });
    end = await remote.work(target, { id, script, timeout, environment, onLine }, signal);
  } catch (error) {
    // Somebody ended the run: what it began is ended with it. A controller that stops leaves it to the next one.
    if (isCancelled(signal)) await remote.end(target, id).catch(() => undefined);
    throw error;
  }
  const { code, timedOut, output } = end;
  if (code === 0) return { outcome: 'done', text: lastLine(output) };
  await remote.forget(target, id);
  if (timedOut) return { outcome: 'failed', text: `it did not end within ${timeout} s: ${lastLine(output)}` };
  if (code === null) return { outcome: 'failed', text: `it was ended by a signal: ${lastLine(output)}` };
  if (meaning.busy.includes(code))
    return { outcome: 'later', text: `${target.name} is busy: ${lastLine(output)}`, seconds: BUSY };
  const good = meaning.good[code];
  if (good !== undefined) return { outcome: 'done', text: good };
  return { outcome: 'failed', text: `it ended with ${code}: ${lastLine(output)}` };
}

/** What scripts see: the parameters of the deployment, of the role and of the host. */
async function environmentFor({ admin, context, payload, target }: Here): Promise<Record<string, string>> {
  const { args, run } = payload;
  const deployment = await deploymentNamed(admin, text(args['deployment']));
  const blueprint = await blueprintNamed(admin, deployment.body.blueprint);
  const host = text(args['host']);
  const own = hostsIn(deployment.body).find((one) => one.host === host) ?? null;
  const values = valuesOf(blueprint.body, deployment.body, own);
  if (goesByJobs(await context.settings.all(), target.host)) refuseSecretsInJobs(values, target.name);
  const given = await environmentOf(values, (place, name) => secretAt(place, name, context));
  return { ...given, D3_DEPLOYMENT: deployment.name, D3_DEPLOYMENT_RUN: run, D3_ROLE: text(args['role']) };
}

async function waited(wait: Extract<RoleStep, { wait: unknown }>['wait'], here: Here): Promise<HostAnswer> {
  const { remote, target, context, data, now } = here;
  const since = typeof data['since'] === 'number' ? data['since'] : now;
  if ('seconds' in wait) {
    const left = Math.ceil(since / 1000 + wait.seconds - now / 1000);
    if (left <= 0) return { outcome: 'done', text: `waited ${wait.seconds} s` };
    return { outcome: 'later', text: `waits ${wait.seconds} s`, seconds: Math.min(left, 3600), data: { since } };
  }
  const limit = stepOf(here).timeout ?? LIMIT;
  const what = 'port' in wait ? `something listens at port ${wait.port}` : 'it is there';
  const script = 'port' in wait ? listens(wait.port) : wait.until;
  const { code, output } = await remote.look(target, script, { signal: context.signal, timeout: 60 });
  if (code === 0) return { outcome: 'done', text: what };
  if (now - since > limit * 1000)
    return { outcome: 'failed', text: `waited ${limit} s in vain until ${what}: ${lastLine(output)}` };
  const seconds = 'port' in wait ? EVERY : (wait.every ?? EVERY);
  return { outcome: 'later', text: `waits until ${what}`, seconds, data: { since } };
}

/** Another boot id than before is the only sign that a host was restarted. */
async function restarted(here: Here, cycle: typeof cyclePower): Promise<HostAnswer> {
  const step = stepOf(here);
  const byBoard = 'reboot' in step && step.reboot === 'bmc';
  const { remote, target, context, data, now } = here;
  const { signal } = context;
  const boot = await remote.bootId(target, signal);
  const { before } = data;
  if (typeof before !== 'string') {
    // Its board restarts one that hangs, too.
    if (boot === null && !byBoard)
      return { outcome: 'later', text: `${target.name} does not answer`, seconds: RESTARTING };
    return { outcome: 'later', text: 'it is to be restarted', seconds: 0, data: { before: boot ?? '' } };
  }
  const isTold = typeof data['told'] === 'number';
  if (boot !== null && boot !== before && (isTold || before !== ''))
    return { outcome: 'done', text: `restarted, as ${boot}` };
  if (typeof data['told'] !== 'number') {
    // Its connection ends with the restart: what comes of it says nothing.
    if (byBoard) await cycle(target, context);
    else if (boot !== null) await remote.look(target, RESTART, { signal }).catch(() => signal.throwIfAborted());
    return { outcome: 'later', text: 'it was told to restart', seconds: RESTARTING, data: { before, told: now } };
  }
  const passed = (now - data['told']) / 1000;
  if (boot === before && passed > LEAVES)
    return { outcome: 'failed', text: `${target.name} was told to restart and still runs as before after ${LEAVES} s` };
  const limit = step.timeout ?? RETURNS;
  if (passed > limit)
    return { outcome: 'failed', text: `${target.name} did not come back within ${limit} s after its restart` };
  return { outcome: 'later', text: 'it restarts', seconds: RESTARTING, data: { before, told: data['told'] } };
}

function stepOf({ payload }: Here): RoleStep {
  return payload.args['step'] as unknown as RoleStep;
}

function isCancelled({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as { code?: unknown } | null)?.code === 'RUN_CANCELLED';
}

function lastLine(output: string): string {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  return line
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 500);
}
