import type { AdminPort, PluginContext } from '@d3/sdk';
import { hostgroupOfRole } from '../foreman/assign.ts';
import { siteOf } from '../foreman/site.ts';
import type { Ports } from './assign.ts';
import type { Connector } from './connector.ts';
import type { DeploymentRuns } from './runs.ts';

/** What deployments work with, from what a command or a step has. */
export async function portsOf(admin: AdminPort, context: PluginContext): Promise<Ports> {
  const site = siteOf(await context.settings.all());
  return {
    admin,
    connector: connectorOf(site.hostgroup, context),
    runs: runsOf(admin),
    clock: context.clock,
  };
}

/** Runs of the depot. */
export function runsOf(admin: AdminPort): DeploymentRuns {
  return admin.runs;
}

/** Foreman, for the hosts it knows; it is loaded when it is first asked. */
function connectorOf(base: string | null, context: PluginContext): Connector {
  const foreman = () => import('../foreman/assign.ts');
  return {
    hostgroup: (role) => hostgroupOfRole(role, base),
    assign: async (target, hostgroup) => (await foreman()).foremanAssign(target, hostgroup, context),
    unassign: async (target) => (await foreman()).foremanUnassign(target, context),
    drift: async (target, hostgroup) => (await foreman()).foremanDrift(target, hostgroup, context),
  };
}
