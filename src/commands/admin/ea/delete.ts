import { Args } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { agreedToDelete, type Deletion, showDeletion } from '../../../cli/confirmed-delete.ts';
import { confirmingFlags } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEaDelete extends AdminCommand<Deletion, typeof AdminEaDelete> {
  static override summary = 'Delete an extension attribute that no group asks for, with its values.';
  static override examples = ['<%= config.bin %>admin ea delete Lease -a'];
  static override flags = { ...confirmingFlags };
  static override args = { ea: Args.string({ name: 'ea', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminEaDelete>): Promise<Outcome<Deletion>> {
    const { deleteEa, eaToDelete } = await import('../../../admin/eas.ts');
    const { args, flags, terminal } = context;
    return changingDepot(context, async (session) => {
      const { found, shown } = await eaToDelete(args.ea, session);
      const what = {
        name: found.name,
        details: shown.values.map(({ computer, value }) => `${computer} loses ${value}`),
      };
      const done = await agreedToDelete(what, flags, terminal);
      if (done) await deleteEa(found, session);
      return { result: { ...what, done } };
    });
  }

  render(deletion: Deletion, terminal: Terminal): void {
    showDeletion(deletion, terminal);
  }
}
