import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';

type Key = {
  proxy: string;
  key: string;
  publicKey: string;
  made: boolean;
};

export default class ProxyKeyCommand extends DepotCommand<Key> {
  static override summary = 'Make a proxy’s key pair, where there is none, and print its public half.';
  static override description =
    'The private half stays on this controller, readable for its owner alone. A key that is there is never overwritten.';
  static override examples = ['<%= config.bin %> proxy key dmz', '<%= config.bin %> proxy key dmz --rsa'];
  static override args = { name: Args.string({ required: true, description: 'The proxy.' }) };
  static override flags = { rsa: Flags.boolean({ summary: 'RSA with 4096 bits, for hosts that know no ed25519.' }) };

  async execute({ args, flags, depot }: CommandContext): Promise<CommandOutcome<Key>> {
    const { proxyKey } = await import('../../proxy/key.ts');
    const type = flags['rsa'] === true ? 'rsa' : 'ed25519';
    return {
      result: { ...(await depot('changes', (admin, ports) => proxyKey(admin, ports, args['name'] as string, type))) },
    };
  }

  text({ publicKey }: Key): string {
    return publicKey;
  }
}
