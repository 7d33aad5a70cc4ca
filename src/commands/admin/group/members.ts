import { Args, Flags } from '@oclif/core';
import type { Group } from '../../../admin/groups.ts';
import { changingDepot, readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showMembers } from '../../../cli/group-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupMembers extends AdminCommand<Group, typeof AdminGroupMembers> {
  static override summary =
    'Show the computers of a group, take some in or leave some out; of a smart group those that meet its criteria.';
  static override examples = ['<%= config.bin %>admin group members test-macs --add mac-c --remove mac-a'];
  static override flags = {
    add: Flags.string({ helpValue: 'LIST', summary: 'Names or ids of computers to take in.' }),
    remove: Flags.string({ helpValue: 'LIST', summary: 'Names or ids of computers to leave out.' }),
  };
  static override args = { group: Args.string({ name: 'group', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminGroupMembers>): Promise<Outcome<Group>> {
    const { changeMembers, showGroup: lookAt } = await import('../../../admin/groups.ts');
    const { group } = context.args;
    const changes = { add: commaList(context.flags.add), remove: commaList(context.flags.remove) };
    if (changes.add.length + changes.remove.length === 0) {
      return { result: await readingDepot(context, (session) => lookAt(group, session)) };
    }
    return { result: await changingDepot(context, (session) => changeMembers(group, changes, session)) };
  }

  render(group: Group, terminal: Terminal): void {
    showMembers(group, terminal);
  }
}
