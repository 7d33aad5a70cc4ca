import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import { autosignFlags } from '../../../foreman/autosign-flags.ts';
import type { Autosigned } from '../../../foreman/here.ts';

export default class ForemanAutosignAdd extends MachineCommand<Autosigned> {
  static override summary = 'Have certificates of these names signed without anybody being asked.';
  static override examples = ['<%= config.bin %> foreman autosign add db1.example.org'];
  static override flags = autosignFlags;
  static override args = {
    name: Args.string({ name: 'name', description: 'Names of certificates.', required: true, multiple: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Autosigned>> {
    const { autosignHere } = await import('../../../foreman/here.ts');
    return autosignHere(context, 'add');
  }

  text({ changed }: Autosigned): string {
    return changed.length === 0 ? 'Nothing to change.' : `Added: ${changed.join(', ')}`;
  }
}
