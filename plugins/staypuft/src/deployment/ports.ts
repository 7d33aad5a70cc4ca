import type { AdminPort, PluginContext } from '@d3/sdk';
import { foremanConnector } from '../foreman/connector.ts';
import type { Ports } from './assign.ts';

/** What deployments work with, from what a command or a step has. */
export async function portsOf(admin: AdminPort, context: PluginContext): Promise<Ports> {
  return {
    admin,
    connector: await foremanConnector({ settings: context.settings, signal: context.signal, admin }),
    runs: admin.runs,
    clock: context.clock,
  };
}
