import { Args, Flags } from '@oclif/core';
import type { ShownComputer } from '../../../admin/computers.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { showComputerText } from '../../../cli/computer-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface Edited {
  computer: ShownComputer;
  changed: boolean;
}

export default class AdminComputerEdit extends AdminCommand<Edited, typeof AdminComputerEdit> {
  static override summary =
    'Say of a computer what it cannot: its name, department, building, site, extension attributes.';
  static override examples = [
    '<%= config.bin %>admin computer edit mac-a --department Sales --ea "Asset tag=4711"',
    '<%= config.bin %>admin computer edit C02XK1ABJG5H --building none',
  ];
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'What to call it; none: as it calls itself.' }),
    department: Flags.string({ helpValue: 'NAME', summary: 'Its department, or none.' }),
    building: Flags.string({ helpValue: 'NAME', summary: 'Its building, or none.' }),
    site: Flags.string({ helpValue: 'NAME', summary: 'Its site, or none.' }),
    ea: Flags.string({
      helpValue: 'NAME=VALUE',
      multiple: true,
      summary: 'The value of an extension attribute; without one it is cleared. Repeatable.',
    }),
  };
  static override args = {
    computer: Args.string({
      name: 'computer',
      description: 'Its name, serial number, id, or the beginning of its id.',
      required: true,
    }),
  };

  async execute(context: ContextOf<typeof AdminComputerEdit>): Promise<Outcome<Edited>> {
    const { editComputer } = await import('../../../admin/computers.ts');
    const { name, department, building, site, ea } = context.flags;
    const changes = { name, department, building, site, eas: ea };
    return { result: await changingDepot(context, (session) => editComputer(context.args.computer, changes, session)) };
  }

  render({ computer, changed }: Edited, terminal: Terminal): void {
    if (changed) showComputerText(computer, terminal);
    else terminal.result(`Nothing to change: ${computer.name} is so already.`);
  }
}
