import { Args } from '@oclif/core';
import type { Ea } from '../../../admin/eas.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showEaText } from '../../../cli/ea-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEaShow extends AdminCommand<Ea, typeof AdminEaShow> {
  static override summary = 'Show an extension attribute and its values.';
  static override examples = ['<%= config.bin %>admin ea show "Asset tag"'];
  static override args = { ea: Args.string({ name: 'ea', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminEaShow>): Promise<Outcome<Ea>> {
    const { showEa } = await import('../../../admin/eas.ts');
    return { result: await readingDepot(context, (session) => showEa(context.args.ea, session)) };
  }

  render(ea: Ea, terminal: Terminal): void {
    showEaText(ea, terminal);
  }
}
