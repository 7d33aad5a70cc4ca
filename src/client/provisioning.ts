import type { PluginRoom, Plugins } from '../lifecycle/plugins.ts';
import type { MachineFacts } from '../platform/machine.ts';

/** A machine with what plugins know of its provisioning; what its facts.json says counts before that. */
export async function withProvisioning(
  host: MachineFacts,
  computer: string | null,
  plugins: Pick<Plugins, 'provisioning'>,
  room: PluginRoom,
): Promise<MachineFacts> {
  const { name, serial } = host;
  const { known, complete } = await plugins.provisioning({ computer, name, serial }, room);
  return { ...host, provisioning: { ...known, ...host.provisioning }, provisioningComplete: complete };
}
