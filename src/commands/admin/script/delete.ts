import { Args } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { agreedToDelete, type Deletion, showDeletion } from '../../../cli/confirmed-delete.ts';
import { confirmingFlags } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminScriptDelete extends AdminCommand<Deletion, typeof AdminScriptDelete> {
  static override summary = 'Delete a script that no edition runs.';
  static override examples = ['<%= config.bin %>admin script delete check-license -a'];
  static override flags = { ...confirmingFlags };
  static override args = { script: Args.string({ name: 'script', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminScriptDelete>): Promise<Outcome<Deletion>> {
    const { deleteScript, scriptToDelete } = await import('../../../admin/scripts.ts');
    const { args, flags, terminal } = context;
    return changingDepot(context, async (session) => {
      const found = await scriptToDelete(args.script, session);
      const what = { name: found.name, details: ['No edition runs it.'] };
      const done = await agreedToDelete(what, flags, terminal);
      if (done) await deleteScript(found, session);
      return { result: { ...what, done } };
    });
  }

  render(deletion: Deletion, terminal: Terminal): void {
    showDeletion(deletion, terminal);
  }
}
