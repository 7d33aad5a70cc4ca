import { Args, Flags } from '@oclif/core';
import type { Ea } from '../../../admin/eas.ts';
import { EA_TYPES } from '../../../catalog/criteria.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showEaText } from '../../../cli/ea-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEaAdd extends AdminCommand<Ea, typeof AdminEaAdd> {
  static override summary = 'Make an extension attribute: something to know of computers that they cannot say.';
  static override examples = [
    '<%= config.bin %>admin ea add "Asset tag"',
    '<%= config.bin %>admin ea add Lease --type choice --choices bought,leased',
  ];
  static override flags = {
    type: Flags.option({ options: EA_TYPES, default: 'text', summary: 'What its values are.' })(),
    choices: Flags.string({ helpValue: 'LIST', summary: 'What can be chosen, with --type choice.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it says.', default: '' }),
  };
  static override args = { name: Args.string({ name: 'name', description: 'Its name.', required: true }) };

  async execute(context: ContextOf<typeof AdminEaAdd>): Promise<Outcome<Ea>> {
    const { addEa } = await import('../../../admin/eas.ts');
    const { type, choices, description } = context.flags;
    const wanted = { type, choices: commaList(choices), description };
    return { result: await changingDepot(context, (session) => addEa(context.args.name, wanted, session)) };
  }

  render(ea: Ea, terminal: Terminal): void {
    showEaText(ea, terminal);
  }
}
