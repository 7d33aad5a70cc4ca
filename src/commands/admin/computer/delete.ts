import { Args } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { agreedToDelete, type Deletion, showDeletion } from '../../../cli/confirmed-delete.ts';
import { confirmingFlags } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminComputerDelete extends AdminCommand<Deletion, typeof AdminComputerDelete> {
  static override summary = 'Forget a computer, its reports and what was said of it.';
  static override description =
    'Nothing changes on the machine. With its next report it is here again, as a new one; one that was enrolled has to enrol again.';
  static override examples = ['<%= config.bin %>admin computer delete mac-a -a'];
  static override flags = { ...confirmingFlags };
  static override args = {
    computer: Args.string({
      name: 'computer',
      description: 'Its name, serial number, id, or the beginning of its id.',
      required: true,
    }),
  };

  async execute(context: ContextOf<typeof AdminComputerDelete>): Promise<Outcome<Deletion>> {
    const { computerToDelete, deleteComputer } = await import('../../../admin/computers.ts');
    const { args, flags, terminal } = context;
    return changingDepot(context, async (session) => {
      const found = await computerToDelete(args.computer, session);
      const { id, shownName } = found.computer;
      const what = {
        name: `${shownName} (${id})`,
        details: found.groups.map((group) => `It leaves the group ${group}.`),
      };
      const done = await agreedToDelete(what, flags, terminal);
      if (done) await deleteComputer(found, session);
      return { result: { ...what, done } };
    });
  }

  render(deletion: Deletion, terminal: Terminal): void {
    showDeletion(deletion, terminal);
  }
}
