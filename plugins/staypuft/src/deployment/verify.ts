import { type AdminPort, D3Error, EXIT_CODES, type PluginContext } from '@d3/sdk';
import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { goesByJobs, refuseSecretsInJobs } from '../foreman/transport.ts';
import { remoteOf } from '../remote.ts';
import { titleOf } from '../rules/host-steps.ts';
import { environmentOf, valuesOf } from '../rules/parameters.ts';
import { shellWord } from '../rules/shell.ts';
import { isSame } from './fates.ts';
import { targetNamed } from './reach.ts';
import { secretAt } from './secrets.ts';
import { eachOf } from './several.ts';
import { blueprintNamed, deploymentNamed, hostsIn, rolesIn } from './store.ts';

/** How hosts are. A type, so that it is JSON. */
export type Verified = {
  deployment: string;
  hosts: { host: string; good: boolean; checks: { name: string; good: boolean; text: string }[] }[];
};

/** Runs the checks of roles on hosts that are released. */
export async function verifyHere(
  { depot }: CommandContext,
  name: string,
  host: string | null,
): Promise<CommandOutcome<Verified>> {
  return depot('reads', async (admin, context) => {
    const result = await verify(name, host, admin, context);
    const bad = result.hosts.filter(({ good }) => !good).length;
    const exit =
      bad === 0 ? EXIT_CODES.done.code : bad === result.hosts.length ? EXIT_CODES.failed.code : EXIT_CODES.partly.code;
    return { result, exit };
  });
}

async function verify(name: string, host: string | null, admin: AdminPort, context: PluginContext): Promise<Verified> {
  const deployment = await deploymentNamed(admin, name);
  const blueprint = await blueprintNamed(admin, deployment.body.blueprint);
  const released = hostsIn(deployment.body).filter(
    (one) => one.outcome?.state === 'released' && (host === null || isSame(one.host, host)),
  );
  if (host !== null && released.length === 0) {
    throw new D3Error('HOST_NOT_RELEASED', 'refused', `${host} is not a released host of ${deployment.name}.`, {
      target: host,
      actions: [`see which are: d3 deployment show ${deployment.name}`],
    });
  }
  const roles = new Map(rolesIn(blueprint.body).map((role) => [role.name, role]));
  const remote = released.length === 0 ? null : await remoteOf(context);
  const settings = await context.settings.all();
  const ends = await eachOf(released, async (assignment) => {
    const target = await targetNamed(admin, assignment.host);
    const values = valuesOf(blueprint.body, deployment.body, assignment);
    if (goesByJobs(settings, target.host)) refuseSecretsInJobs(values, target.name);
    const given = await environmentOf(values, (place, secret) => secretAt(place, secret, context));
    const exported = Object.entries(given).map(([key, value]) => `${key}=${shellWord(value)}; export ${key}`);
    const checks = [];
    for (const step of roles.get(assignment.role)?.steps ?? []) {
      if (!('assert' in step) || remote === null) continue;
      const script = `${exported.join('\n')}\n${step.assert}`;
      const { code, output } = await remote.look(target, script, {
        signal: context.signal,
        timeout: step.timeout ?? 60,
      });
      checks.push({
        name: titleOf(step),
        good: code === 0,
        text: code === 0 ? '' : `ended with ${code}: ${output.trim().slice(-500)}`,
      });
    }
    return checks;
  });
  const hosts = released.map(({ host: which }, index) => {
    const end = ends[index] as (typeof ends)[number];
    const checks = 'problem' in end ? [{ name: 'reach it', good: false, text: end.problem.message }] : end.result;
    return { host: which, good: checks.every(({ good }) => good), checks };
  });
  return { deployment: deployment.name, hosts };
}
