import path from 'node:path';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import { answersFlags } from '../../proxy/answers-flags.ts';
import { type HostSetUp, setUpText } from '../../proxy/setup.ts';

export default class ProxySetup extends DepotCommand<HostSetUp[]> {
  static override summary = 'Have hosts behind a proxy set themselves up over SSH, and take them in.';
  static override description =
    'On each host its own d3 does what d3 client setup does, with the answers of d3 proxy answers; then the host is registered here. It needs a way in that is there ' +
    'already: a key of yours (--key), or the proxy’s. Done again it does what is missing. A host that is not known yet is named by its address, as ' +
    'root@10.0.0.7 or web1.example.org:2222.';
  static override examples = [
    '<%= config.bin %> proxy setup dmz root@10.0.0.7 --key /root/.ssh/id_ed25519',
    '<%= config.bin %> proxy setup dmz web1 web2 --server puppet.example.org --dry-run',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'The proxy.' }),
    hosts: Args.string({ required: true, description: 'Hosts, by name or address.', multiple: true }),
  };
  static override flags = {
    key: Flags.string({ helpValue: 'FILE', summary: 'The private key that lets you in there now; else the proxy’s.' }),
    ...answersFlags,
    'dry-run': Flags.boolean({ summary: 'Say what would be done on the hosts; change nothing.' }),
  };

  async execute({ args, flags, depot, signal }: CommandContext): Promise<CommandOutcome<HostSetUp[]>> {
    const [{ answersOf }, { setUpHosts }, { openRemote }, { proxyOf }] = await Promise.all([
      import('../../proxy/answers.ts'),
      import('../../proxy/setup.ts'),
      import('../../ssh/open.ts'),
      import('../../proxy/store.ts'),
    ]);
    const { server, environment, user, from, key } = flags as Record<string, string | undefined>;
    const said = Object.entries({ server, caServer: flags['ca-server'], environment, user, from });
    return depot('changes', async (admin, ports) => {
      const proxy = await proxyOf(admin, args['name'] as string);
      const answers = answersOf(proxy, Object.fromEntries(said.filter(([, value]) => value !== undefined)));
      const remote = await openRemote(admin, ports);
      try {
        const how = { answers, key: key === undefined ? null : path.resolve(key), dryRun: flags['dry-run'] === true };
        return await setUpHosts(proxy, args['hosts'] as string[], how, { admin, remote, signal });
      } finally {
        await remote.close();
      }
    });
  }

  text(hosts: HostSetUp[]): string {
    return setUpText(hosts);
  }
}
