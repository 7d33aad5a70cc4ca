import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { foremanFlags } from '../../foreman/flags.ts';

type Registration = { command: string; hours: number };

export default class ForemanRegister extends MachineCommand<Registration> {
  static override summary = 'Print the command by which a machine registers itself in Foreman.';
  static override description =
    'Foreman makes it, with a token that lets whoever has it register machines until it ends: hand it only to who shall. What registers is ' +
    'unmanaged and in no hostgroup; d3admin computer discover finds it then.';
  static override examples = [
    '<%= config.bin %> foreman register',
    '<%= config.bin %> foreman register --hours 1 --smart-proxy 2 --operating-system 3',
  ];
  static override flags = {
    ...foremanFlags,
    hours: Flags.integer({ helpValue: 'HOURS', summary: 'How long it may be used.', default: 4, min: 1, max: 720 }),
    organization: Flags.integer({ helpValue: 'ID', summary: 'The organization in Foreman.' }),
    location: Flags.integer({ helpValue: 'ID', summary: 'The location in Foreman.' }),
    'smart-proxy': Flags.integer({ helpValue: 'ID', summary: 'The smart proxy it goes through.' }),
    'operating-system': Flags.integer({ helpValue: 'ID', summary: 'The operating system in Foreman.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Registration>> {
    const { registerHere } = await import('../../foreman/here.ts');
    return registerHere(context);
  }

  text({ command }: Registration): string {
    return command;
  }
}
