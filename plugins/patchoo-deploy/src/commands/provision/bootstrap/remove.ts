import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

export default class ProvisionBootstrapRemove extends MachineCommand {
  static override summary = 'Take away what goes on with a deployment after a start of this machine.';
  static override description = 'A deployment that is not over then waits until somebody calls d3 provision run.';
  static override examples = ['<%= config.bin %> provision bootstrap remove'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }) };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<Json>> {
    const { bootstrapFiles } = await import('../../../bootstrap.ts');
    const { triggers } = await ports();
    const state = await triggers.remove(bootstrapFiles(''), { dryRun: flags['dry-run'] === true });
    return { result: state as unknown as Json };
  }

  text(result: Json): string {
    const { files } = result as { files: string[] };
    return files.length === 0 ? 'There was nothing to take away.' : files.join('\n');
  }
}
