import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { foremanFlags } from '../../foreman/flags.ts';

type Environments = { environments: string[]; created: string[] };

export default class ForemanEnvironments extends MachineCommand<Environments> {
  static override summary = 'List the Puppet environments of Foreman, and make those that are missing.';
  static override examples = [
    '<%= config.bin %> foreman environments',
    '<%= config.bin %> foreman environments --create discovery --create production',
  ];
  static override flags = {
    ...foremanFlags,
    create: Flags.string({ helpValue: 'NAME', summary: 'Make it unless it is there; repeatable.', multiple: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Environments>> {
    const { environmentsHere } = await import('../../foreman/here.ts');
    return environmentsHere(context);
  }

  text({ environments, created }: Environments): string {
    const all = environments.length === 0 ? 'There are none.' : environments.join('\n');
    return created.length === 0 ? all : `${all}\nMade: ${created.join(', ')}`;
  }
}
