import { combineExitCodes, D3Error } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import type { GroupItem } from '../../group.ts';

export default class ProvisionGroup extends MachineCommand<GroupItem[]> {
  static override summary = 'Run policies and events one after the other.';
  static override description =
    'Each is a policy by its id or name, else an event; no event is called like a policy, so event:WORD and policy:NAME mean the same as ' +
    'without. Blank ones are nothing. One that fails stops no other; the command ends as they all do, or with 40.';
  static override examples = [
    "<%= config.bin %> provision group 'Install Fonts' printers",
    '<%= config.bin %> provision group event:deploy-studio policy:Fonts',
  ];
  static override args = {
    item: Args.string({ description: 'A policy or an event.', required: true, multiple: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<GroupItem[]>> {
    const { runGroup } = await import('../../group.ts');
    const { args, ports } = context;
    const items = await runGroup(args['item'] as readonly string[], await ports());
    const errors = items.flatMap(({ item, state, text }) =>
      state === 'absent'
        ? [new D3Error('POLICY_NOT_FOUND', 'notFound', text, { target: item, actions: ['d3 policy --list --all'] })]
        : state === 'failed'
          ? [
              new D3Error('POLICY_FAILED', 'failed', `${item}: ${text}`, {
                target: item,
                actions: ['d3 run list --all'],
              }),
            ]
          : [],
    );
    const exits = items.map(({ item }) => errors.find(({ target }) => target === item)?.exitCode ?? 0);
    return { result: items, errors, exit: combineExitCodes(exits) };
  }

  text(items: GroupItem[]): string {
    return items.length === 0
      ? 'Nothing was named.'
      : items.map(({ item, state, text }) => `${item}: ${text || state}`).join('\n');
  }
}
