import { Args, Flags } from '@oclif/core';
import type { MadeKey } from '../../../admin/keys.ts';
import { type ContextOf, D3Command, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

const ROLES = ['root', 'targets'] as const;

export default class DepotKeysInit extends D3Command<MadeKey, typeof DepotKeysInit> {
  static override summary = 'Make a signing key of your own, and print the half of it that others may know.';
  static override description =
    'The key is a file only you can read: in your own configuration, or in --to DIR, on a stick for one. Whoever holds the root key then ' +
    'lets it count: d3 depot keys rotate ROLE --add KEY. The keys of a depot itself are made with it.';
  static override examples = [
    '<%= config.bin %> depot keys init targets',
    '<%= config.bin %> depot keys init root --to /media/stick',
  ];
  static override flags = {
    to: Flags.string({ helpValue: 'DIR', summary: 'The folder the key is put into.' }),
  };
  static override args = {
    role: Args.string({
      name: 'role',
      description: 'What it is for: root, which says whose keys count, or targets, which signs what machines install.',
      options: [...ROLES],
      required: true,
    }),
  };
  static override helpSection = 'For admins';

  async execute({ args, flags }: ContextOf<typeof DepotKeysInit>): Promise<Outcome<MadeKey>> {
    const { makeOwnKey } = await import('../../../admin/keys.ts');
    const { ownKeysFolder } = await import('../../../cli/admin-here.ts');
    return { result: await makeOwnKey(args.role as (typeof ROLES)[number], ownKeysFolder(flags.to)) };
  }

  render({ role, id, file, publicKey }: MadeKey, terminal: Terminal): void {
    terminal.result(
      [
        publicKey,
        `That is the public half of your ${role} key ${id.slice(0, 8)}; the private one is ${file}.`,
        `It counts once a root names it: d3 depot keys rotate ${role} --add ${publicKey}`,
      ].join('\n'),
    );
  }
}
