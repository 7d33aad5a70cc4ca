import { Args, Flags } from '@oclif/core';
import type { Group } from '../../../admin/groups.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showGroup } from '../../../cli/group-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupEdit extends AdminCommand<Group, typeof AdminGroupEdit> {
  static override summary = 'Give a group another name or description; editions follow it.';
  static override examples = ['<%= config.bin %>admin group edit test-macs --name pilot-macs'];
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'Its new name.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What the group is for.' }),
  };
  static override args = { group: Args.string({ name: 'group', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminGroupEdit>): Promise<Outcome<Group>> {
    const { editGroup } = await import('../../../admin/groups.ts');
    const { name, description } = context.flags;
    return {
      result: await changingDepot(context, (session) => editGroup(context.args.group, { name, description }, session)),
    };
  }

  render(group: Group, terminal: Terminal): void {
    showGroup(group, terminal);
  }
}
