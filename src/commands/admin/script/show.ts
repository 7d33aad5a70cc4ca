import { Args } from '@oclif/core';
import type { ShownScript } from '../../../admin/scripts.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { scriptText } from '../../../cli/script-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminScriptShow extends AdminCommand<ShownScript, typeof AdminScriptShow> {
  static override summary = 'Show a script, its text, and which editions run it.';
  static override examples = ['<%= config.bin %>admin script show check-license'];
  static override args = { script: Args.string({ name: 'script', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminScriptShow>): Promise<Outcome<ShownScript>> {
    const { showScript } = await import('../../../admin/scripts.ts');
    return { result: await readingDepot(context, (session) => showScript(context.args.script, session)) };
  }

  render(shown: ShownScript, terminal: Terminal): void {
    terminal.result(`${scriptText(shown)}\n\n${(shown.content ?? '(not UTF-8)').trimEnd()}`);
  }
}
