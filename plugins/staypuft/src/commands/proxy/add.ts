import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { ProxyChanges } from '../../proxy/store.ts';

type Put = {
  name: string;
  made: boolean;
  address: string | null;
  port: number;
  user: string;
  hostKeyMode: string;
  opening: number;
  sessions: number;
};

export default class ProxyAdd extends DepotCommand<Put> {
  static override summary = 'Make a way into a network known, or change it.';
  static override description =
    'A proxy is the machine through which d3 reaches hosts by SSH, with the key and the limits that hold for them. Without an address hosts are reached ' +
    'from the controller itself. What is not named stays as it is.';
  static override examples = [
    '<%= config.bin %> proxy add dmz --address jump.example.org --user deploy',
    '<%= config.bin %> proxy add dmz --host-keys strict --authority /etc/ssh/host_ca.pub',
  ];
  static override args = { name: Args.string({ required: true, description: 'What to call it.' }) };
  static override flags = {
    address: Flags.string({ helpValue: 'ADDRESS', summary: 'Where it is reached.' }),
    port: Flags.integer({ helpValue: 'PORT', min: 1, max: 65_535, summary: 'Port of its sshd; 22 at first.' }),
    user: Flags.string({ helpValue: 'NAME', summary: 'Account there; root at first.' }),
    key: Flags.string({ helpValue: 'FILE', summary: 'Absolute path of a private key on the controller.' }),
    'host-keys': Flags.string({
      options: ['strict', 'accept-new', 'off'],
      summary: 'strict: only known ones; accept-new (at first): what is first met, no other; off: any, with a warning.',
    }),
    opening: Flags.integer({
      helpValue: 'NUMBER',
      min: 1,
      max: 1000,
      summary: 'Connections being opened at once; 8 at first.',
    }),
    sessions: Flags.integer({ helpValue: 'NUMBER', min: 1, max: 1000, summary: 'Sessions at once; 100 at first.' }),
    authority: Flags.string({
      helpValue: 'FILE',
      multiple: true,
      summary: 'Public key of an authority that signs host keys; repeatable.',
    }),
  };

  async execute({ args, flags, depot }: CommandContext): Promise<CommandOutcome<Put>> {
    const { putProxy } = await import('../../proxy/store.ts');
    const { address, port, user, key, opening, sessions, authority } = flags as Record<string, never>;
    const changes: ProxyChanges = { address, port, user, key, opening, sessions, authorities: authority };
    changes.hostKeyMode = flags['host-keys'] as ProxyChanges['hostKeyMode'];
    const { name, proxy, made } = await depot('changes', (admin) => putProxy(admin, args['name'] as string, changes));
    const { hostKeyMode } = proxy;
    return {
      result: {
        name,
        made,
        address: proxy.address,
        port: proxy.port,
        user: proxy.user,
        hostKeyMode,
        opening: proxy.opening,
        sessions: proxy.sessions,
      },
      ...(hostKeyMode === 'off' ? { warnings: [`Host keys are not checked through ${name}.`] } : {}),
    };
  }

  text({ name, made, address, port, user, hostKeyMode }: Put): string {
    const where = address === null ? 'hosts are reached from here' : `${user}@${address} port ${port}`;
    return `The proxy ${name} is ${made ? 'known' : 'changed'}: ${where}, host keys ${hostKeyMode}.`;
  }
}
