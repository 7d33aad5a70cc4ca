import { Args, Flags } from '@oclif/core';
import type { Ea } from '../../../admin/eas.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showEaText } from '../../../cli/ea-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEaEdit extends AdminCommand<Ea, typeof AdminEaEdit> {
  static override summary = 'Change the name, the choices or the description of an extension attribute.';
  static override description = 'Its type stays. Values and groups follow its name.';
  static override examples = ['<%= config.bin %>admin ea edit Lease --choices bought,leased,lent'];
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'Its new name.' }),
    choices: Flags.string({ helpValue: 'LIST', summary: 'All that can be chosen.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it says.' }),
  };
  static override args = { ea: Args.string({ name: 'ea', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminEaEdit>): Promise<Outcome<Ea>> {
    const { editEa } = await import('../../../admin/eas.ts');
    const { name, choices, description } = context.flags;
    const changes = { name, description, choices: choices === undefined ? undefined : commaList(choices) };
    return { result: await changingDepot(context, (session) => editEa(context.args.ea, changes, session)) };
  }

  render(ea: Ea, terminal: Terminal): void {
    showEaText(ea, terminal);
  }
}
