import { type AdminPort, D3Error, type PluginContext } from '@d3/sdk';
import { waited } from '../waited.ts';
import { hostKeyRecord } from './host-keys.ts';
import { remoteOverSsh, type SshRemote } from './remote.ts';

/** What a {@link Remote} is made of by itself. */
type Ports = Pick<PluginContext, 'programs' | 'settings' | 'ui'>;

/**
 * Work on hosts over the ssh of this controller, with host keys in the depot's documents. Its caller closes it.
 * @throws D3Error usage when a setting is wrong
 */
export async function openRemote(admin: AdminPort, { programs, settings, ui }: Ports): Promise<SshRemote> {
  const program = (await settings.all())['deployment.ssh'] as string;
  if (programs.find(program) === null)
    throw new D3Error('SSH_ABSENT', 'notFound', `There is no ssh at ${program} on this machine.`, {
      target: program,
      actions: ['install the OpenSSH client, or say where it is by the setting deployment.ssh'],
    });
  return remoteOverSsh({
    program,
    run: (request) => programs.run(request),
    room: await admin.room('staypuft'),
    record: hostKeyRecord(admin),
    warn: (text) => ui({ type: 'warning', target: null, text }),
    wait: waited,
    agent: process.env['SSH_AUTH_SOCK'] ?? null,
  });
}

const shared = new Map<string, Promise<SshRemote>>();

/**
 * The same for steps: all of this process that work for one depot share the limits of its proxies and the connections to them. What
 * nobody uses any more ends by itself within a minute.
 */
export async function sharedRemote(admin: AdminPort, ports: Ports): Promise<SshRemote> {
  const room = await admin.room('staypuft');
  const there = shared.get(room);
  if (there !== undefined) return there;
  const opened = openRemote(admin, ports);
  shared.set(room, opened);
  opened.catch(() => shared.delete(room));
  return opened;
}
