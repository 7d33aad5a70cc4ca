import { Args } from '@oclif/core';
import type { ShownComputer } from '../../../admin/computers.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showComputerText } from '../../../cli/computer-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminComputerShow extends AdminCommand<ShownComputer, typeof AdminComputerShow> {
  static override summary = 'Show everything the depot knows of a computer.';
  static override examples = ['<%= config.bin %>admin computer show mac-a'];
  static override args = {
    computer: Args.string({
      name: 'computer',
      description: 'Its name, serial number, id, or the beginning of its id.',
      required: true,
    }),
  };

  async execute(context: ContextOf<typeof AdminComputerShow>): Promise<Outcome<ShownComputer>> {
    const { showComputer } = await import('../../../admin/computers.ts');
    return { result: await readingDepot(context, (session) => showComputer(context.args.computer, session)) };
  }

  render(computer: ShownComputer, terminal: Terminal): void {
    showComputerText(computer, terminal);
  }
}
