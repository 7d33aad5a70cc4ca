import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import { type Looks, looksText } from '../../proxy/check.ts';

export default class ProxyTest extends DepotCommand<Looks> {
  static override summary = 'See whether a proxy and the hosts behind it let d3 in, and have what it needs.';
  static override description =
    'Looks at the key, at the way, at host keys, and on each host whether d3 works as root there and has a Puppet agent. What fails says what to do.';
  static override examples = ['<%= config.bin %> proxy test dmz', '<%= config.bin %> proxy test dmz web1 web2'];
  static override args = {
    name: Args.string({ required: true, description: 'The proxy.' }),
    hosts: Args.string({ description: 'Hosts behind it; else all.', multiple: true }),
  };

  async execute({ args, depot, signal }: CommandContext): Promise<CommandOutcome<Looks>> {
    const [{ testProxy }, { openRemote }, { proxyOf, hostsBehind }] = await Promise.all([
      import('../../proxy/check.ts'),
      import('../../ssh/open.ts'),
      import('../../proxy/store.ts'),
    ]);
    return depot('changes', async (admin, ports) => {
      const proxy = await proxyOf(admin, args['name'] as string);
      const hosts = await hostsBehind(admin, proxy.name, (args['hosts'] as string[] | undefined) ?? []);
      const remote = await openRemote(admin, ports);
      try {
        const { looks, errors } = await testProxy(proxy, hosts, remote, signal);
        return { result: looks, errors };
      } finally {
        await remote.close();
      }
    });
  }

  text(looks: Looks): string {
    return looksText(looks);
  }
}
