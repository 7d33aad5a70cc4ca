import { Args, Flags } from '@oclif/core';
import type { Group } from '../../../admin/groups.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showGroup } from '../../../cli/group-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupAdd extends AdminCommand<Group, typeof AdminGroupAdd> {
  static override summary = 'Make a group of computers, to scope editions with.';
  static override examples = [
    '<%= config.bin %>admin group add test-macs --members mac-a,mac-b',
    "<%= config.bin %>admin group add old-macs --criteria 'os is macOS and os-version < 14'",
  ];
  static override flags = {
    members: Flags.string({ helpValue: 'LIST', summary: 'Names or ids of computers.' }),
    criteria: Flags.string({
      helpValue: 'CRITERIA',
      summary: 'Makes a smart group: whoever meets them is in it.',
      exclusive: ['members'],
    }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What the group is for.', default: '' }),
  };
  static override args = { name: Args.string({ name: 'name', description: 'Its name.', required: true }) };

  async execute(context: ContextOf<typeof AdminGroupAdd>): Promise<Outcome<Group>> {
    const { addGroup, addSmartGroup } = await import('../../../admin/groups.ts');
    const { description, members, criteria } = context.flags;
    const { name } = context.args;
    return {
      result: await changingDepot(context, (session) =>
        criteria === undefined
          ? addGroup(name, description, commaList(members), session)
          : addSmartGroup(name, description, criteria, session),
      ),
    };
  }

  render(group: Group, terminal: Terminal): void {
    showGroup(group, terminal);
  }
}
