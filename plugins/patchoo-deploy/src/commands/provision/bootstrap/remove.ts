import type { TriggerState } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

export default class ProvisionBootstrapRemove extends MachineCommand<TriggerState> {
  static override summary = 'Take away what goes on with a deployment after a start of this machine.';
  static override description = 'A deployment that is not over then waits until somebody calls d3 provision run.';
  static override examples = ['<%= config.bin %> provision bootstrap remove'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }) };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<TriggerState>> {
    const { bootstrapFiles } = await import('../../../bootstrap.ts');
    const { triggers } = await ports();
    const { companionFiles } = await import('../../../companion.ts');
    const dryRun = flags['dry-run'] === true;
    const state = await triggers.remove(bootstrapFiles(''), { dryRun });
    const companion = await triggers.remove(companionFiles(''), { dryRun });
    return { result: { ...state, files: [...state.files, ...companion.files] } };
  }

  text({ files }: TriggerState): string {
    return files.length === 0 ? 'There was nothing to take away.' : files.join('\n');
  }
}
