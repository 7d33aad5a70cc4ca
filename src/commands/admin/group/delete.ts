import { Args } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { agreedToDelete, type Deletion, showDeletion } from '../../../cli/confirmed-delete.ts';
import { confirmingFlags } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupDelete extends AdminCommand<Deletion, typeof AdminGroupDelete> {
  static override summary = 'Delete a group that no edition names.';
  static override examples = ['<%= config.bin %>admin group delete test-macs -a'];
  static override flags = { ...confirmingFlags };
  static override args = { group: Args.string({ name: 'group', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminGroupDelete>): Promise<Outcome<Deletion>> {
    const { deleteGroup, groupToDelete } = await import('../../../admin/groups.ts');
    const { args, flags, terminal } = context;
    return changingDepot(context, async (session) => {
      const found = await groupToDelete(args.group, session);
      const what = { name: found.name, details: ['No edition names it.'] };
      const done = await agreedToDelete(what, flags, terminal);
      if (done) await deleteGroup(found, session);
      return { result: { ...what, done } };
    });
  }

  render(deletion: Deletion, terminal: Terminal): void {
    showDeletion(deletion, terminal);
  }
}
