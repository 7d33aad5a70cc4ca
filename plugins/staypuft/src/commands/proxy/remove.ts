import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';

type Removed = {
  name: string;
  key: string | null;
};

export default class ProxyRemove extends DepotCommand<Removed> {
  static override summary = 'Forget a way into a network that no host is behind.';
  static override description = 'The key stays where it is: other machines may trust it. Take it away by hand.';
  static override examples = ['<%= config.bin %> proxy remove dmz'];
  static override args = { name: Args.string({ required: true, description: 'The proxy.' }) };

  async execute({ args, depot }: CommandContext): Promise<CommandOutcome<Removed>> {
    const { removeProxy } = await import('../../proxy/store.ts');
    return { result: { ...(await depot('changes', (admin) => removeProxy(admin, args['name'] as string))) } };
  }

  text({ name, key }: Removed): string {
    return `The proxy ${name} is forgotten.${key === null ? '' : ` Its key is still at ${key}.`}`;
  }
}
