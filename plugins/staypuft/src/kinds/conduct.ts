import { type AdminPort, D3Error, type PluginContext, type StepAnswer, type StepPayload } from '@d3/sdk';
import { outcomesOf, scoreOf } from '../deployment/score.ts';
import { changeDeployment, hostsByName } from '../deployment/store.ts';
import type { Kept } from '../documents.ts';
import type { Kind } from '../kinds.ts';
import { type Beat, nextBeat, type Parts, partId } from '../rules/conduct.ts';
import { runName, stepsOf } from '../rules/host-steps.ts';
import type { DeploymentRun, Role } from '../types.ts';
import { adminOf } from './admin.ts';

export const CONDUCT = 'deploy-conduct';
/** Seconds between two looks: longer where there are more hosts to look at. */
const LOOK = 0.2;
const HOSTS_A_SECOND = 10_000;
/** Runs of hosts that are begun in one look: the next look sees how those before are. */
const AT_ONCE = 500;

/** Has the hosts of a deployment done, phase by phase and role by role: what it goes by was written down when the run began. */
export const conductKind: Kind = {
  offer: {
    kind: CONDUCT,
    summary: 'Conducts a deployment: begins the runs of its hosts in their order.',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['deployment'],
      properties: { deployment: { type: 'string', minLength: 1, maxLength: 255 } },
    },
    timeout: 3600,
  },

  async run(payload, context) {
    const admin = adminOf(context);
    const score = await scoreNamed(admin, payload.run);
    const parts: Parts = new Map((await admin.runs.family(payload.run)).map((run) => [run.id, run]));
    const beat = nextBeat(payload.run, scoreOf(score), parts);
    await begin(beat, score, payload, context, admin);
    if (beat.end === null)
      return { handled: true, outcome: 'later', text: beat.text, seconds: LOOK + score.hosts.length / HOSTS_A_SECOND };
    await keepOutcomes(score, payload.run, parts, context, admin);
    if (beat.end === 'done') await tidy(score, context, admin);
    return { handled: true, ...ended(beat, score.deployment) };
  },

  /** What is begun already is not begun again: it is looked at anew. */
  async settled() {
    return { handled: true, settled: false, text: 'the runs of its hosts are looked at' };
  },
};

function ended(
  beat: Beat,
  deployment: string,
): Pick<Extract<StepAnswer, { outcome: 'done' | 'hold' | 'failed' | 'leave' }>, 'outcome' | 'text'> {
  if (beat.end === 'done') return { outcome: 'done', text: beat.text };
  const text = `${beat.text}. When it is mended: d3 deployment retry ${deployment}; or without them: d3 deployment skip ${deployment} --host HOST --reason WHY`;
  return { outcome: 'hold', text };
}

async function begin(beat: Beat, score: DeploymentRun, { run }: StepPayload, context: PluginContext, admin: AdminPort) {
  const roles = new Map((score.roles as readonly Role[]).map((role) => [role.name, role]));
  const { deployment, puppet } = score;
  for (const { index, phase } of beat.begin.slice(0, AT_ONCE)) {
    context.signal.throwIfAborted();
    const { host, kind, role: name, hostgroup } = score.hosts[index] as DeploymentRun['hosts'][number];
    const role = roles.get(name) as Role;
    const steps = stepsOf({ deployment, host, kind, role, puppet, hostgroup })[phase];
    const made = { id: partId(run, index, phase), name: runName(deployment, host, phase), parent: run, steps };
    await admin.runs.create(made).catch((error: unknown) => {
      // Begun before a cut.
      if (!(error instanceof D3Error && error.code === 'RUN_EXISTS')) throw error;
    });
  }
}

/** What was let in for hosts that were left out has nobody else to take it away. */
async function tidy(score: DeploymentRun, context: PluginContext, admin: AdminPort): Promise<void> {
  const { foremanConnector } = await import('../foreman/connector.ts');
  const connector = await foremanConnector({ settings: context.settings, signal: context.signal, admin });
  const known = await hostsByName(admin);
  const targets = score.hosts.flatMap(({ host }) => known.get(host.toLowerCase()) ?? []);
  for (const { host, text } of await connector.tidy(targets)) context.ui({ type: 'warning', target: host, text });
}

async function scoreNamed(admin: AdminPort, run: string): Promise<DeploymentRun> {
  const found = await admin.documents('deployment-run').byName(run);
  if (found !== null) return (found as Kept<DeploymentRun>).body;
  throw new D3Error('RUN_PLAN_GONE', 'notFound', `What the run ${run} goes by is gone.`, {
    target: run,
    actions: ['cancel it, and run the deployment again'],
  });
}

/** Writes down how each host ended, where that is known: what is done to it later begins from there. */
async function keepOutcomes(
  score: DeploymentRun,
  run: string,
  parts: Parts,
  { clock }: PluginContext,
  admin: AdminPort,
): Promise<void> {
  const outcomes = outcomesOf(score, run, parts, clock.now().toISOString());
  if (outcomes.size === 0) return;
  await changeDeployment(admin, score.deployment, (body) => {
    const hosts = body.hosts.map((one) => {
      const outcome = outcomes.get(one.host);
      if (outcome === undefined || (one.outcome?.run === run && one.outcome.state === outcome.state)) return one;
      return { ...one, outcome };
    });
    return hosts.every((one, index) => one === body.hosts[index])
      ? body
      : { ...body, hosts: hosts as typeof body.hosts };
  });
}
