import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import { type HostKeys, hostKeysText } from '../../proxy/hostkeys.ts';

export default class ProxyHostkeys extends DepotCommand<HostKeys> {
  static override summary = 'Show the host keys of a proxy and of hosts behind it, and put them on record.';
  static override description =
    'Each is asked for the key it shows, without logging in. Compare the fingerprints with what the consoles say, then take them by --accept: also where ' +
    'a host was installed anew and shows another key on purpose. With hosts named, only theirs are looked at.';
  static override examples = [
    '<%= config.bin %> proxy hostkeys dmz',
    '<%= config.bin %> proxy hostkeys dmz web1 --accept',
    '<%= config.bin %> proxy hostkeys dmz --distribute',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'The proxy.' }),
    hosts: Args.string({ description: 'Hosts behind it; else all, and the proxy itself.', multiple: true }),
  };
  static override flags = {
    accept: Flags.boolean({ summary: 'Put the keys that are shown on record, in place of others.' }),
    distribute: Flags.boolean({
      summary: 'Write the keys on record into known_hosts of the proxy’s own account, so that it can check them, too.',
    }),
  };

  async execute({ args, flags, depot, signal }: CommandContext): Promise<CommandOutcome<HostKeys>> {
    const [{ hostKeys }, { openRemote }, { hostKeyRecord }, { proxyOf, hostsBehind }] = await Promise.all([
      import('../../proxy/hostkeys.ts'),
      import('../../ssh/open.ts'),
      import('../../ssh/host-keys.ts'),
      import('../../proxy/store.ts'),
    ]);
    const names = (args['hosts'] as string[] | undefined) ?? [];
    const how = { accept: flags['accept'] === true, distribute: flags['distribute'] === true, signal };
    return depot(how.accept ? 'changes' : 'reads', async (admin, ports) => {
      const proxy = await proxyOf(admin, args['name'] as string);
      const hosts = await hostsBehind(admin, proxy.name, names);
      const remote = await openRemote(admin, ports);
      try {
        const record = hostKeyRecord(admin);
        return await hostKeys(proxy, { hosts, itself: names.length === 0 }, { remote, record }, how);
      } finally {
        await remote.close();
      }
    });
  }

  text(keys: HostKeys): string {
    return hostKeysText(keys);
  }
}
