import type { AdminPort, PluginContext } from '@d3/sdk';
import type { Ports } from './assign.ts';
import type { Connector } from './connector.ts';
import type { DeploymentRuns } from './runs.ts';

/** What deployments work with, from what a command or a step has. */
export async function portsOf(admin: AdminPort, context: PluginContext): Promise<Ports> {
  const { 'foreman.hostgroup': base } = await context.settings.all();
  return {
    admin,
    connector: connectorOf(typeof base === 'string' ? base : null),
    runs: runsOf(admin),
    clock: context.clock,
  };
}

/** Runs of the depot. */
export function runsOf(admin: AdminPort): DeploymentRuns {
  return (admin as { runs?: DeploymentRuns }).runs ?? NO_RUNS;
}

const NO_RUNS: DeploymentRuns = { family: async () => [], get: async () => null };

/** @param base title of the hostgroup below which those of roles are; null: roles name theirs */
function connectorOf(base: string | null): Connector {
  const nothing = async () => ({ state: 'assigned' as const, changed: false, text: '' });
  return {
    hostgroup: ({ name, hostgroup = null }) => hostgroup ?? (base === null ? null : `${base}/${name}`),
    assign: nothing,
    unassign: nothing,
    drift: async () => [],
  };
}
