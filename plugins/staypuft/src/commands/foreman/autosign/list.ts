import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { autosignFlags } from '../../../foreman/autosign-flags.ts';
import type { Autosigned } from '../../../foreman/here.ts';

export default class ForemanAutosignList extends MachineCommand<Autosigned> {
  static override summary = 'List whose certificates are signed without anybody being asked.';
  static override examples = ['<%= config.bin %> foreman autosign list'];
  static override flags = autosignFlags;

  async execute(context: CommandContext): Promise<CommandOutcome<Autosigned>> {
    const { autosignHere } = await import('../../../foreman/here.ts');
    return autosignHere(context, 'list');
  }

  text({ proxy, entries }: Autosigned): string {
    return entries.length === 0 ? `${proxy} signs nothing by itself.` : entries.join('\n');
  }
}
