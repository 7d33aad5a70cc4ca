import { Args, Flags } from '@oclif/core';
import type { Group } from '../../../admin/groups.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showGroup } from '../../../cli/group-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupEdit extends AdminCommand<Group, typeof AdminGroupEdit> {
  static override summary = 'Give a group another name, description or criteria; editions follow it.';
  static override examples = ['<%= config.bin %>admin group edit test-macs --name pilot-macs'];
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'Its new name.' }),
    criteria: Flags.string({ helpValue: 'CRITERIA', summary: 'Of a smart group: who is in it.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What the group is for.' }),
  };
  static override args = { group: Args.string({ name: 'group', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminGroupEdit>): Promise<Outcome<Group>> {
    const { editGroup } = await import('../../../admin/groups.ts');
    const { name, description, criteria } = context.flags;
    const changes = { name, description, criteria };
    return {
      result: await changingDepot(context, (session) => editGroup(context.args.group, changes, session)),
    };
  }

  render(group: Group, terminal: Terminal): void {
    showGroup(group, terminal);
  }
}
