import { Args } from '@oclif/core';
import type { Group } from '../../../admin/groups.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showGroup as showText } from '../../../cli/group-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupShow extends AdminCommand<Group, typeof AdminGroupShow> {
  static override summary = 'Show a group, who is in it, and which editions name it; standard is the group of all.';
  static override examples = [
    '<%= config.bin %>admin group show test-macs',
    '<%= config.bin %>admin group show standard',
  ];
  static override args = { group: Args.string({ name: 'group', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminGroupShow>): Promise<Outcome<Group>> {
    const { showGroup } = await import('../../../admin/groups.ts');
    return { result: await readingDepot(context, (session) => showGroup(context.args.group, session)) };
  }

  render(group: Group, terminal: Terminal): void {
    showText(group, terminal);
  }
}
