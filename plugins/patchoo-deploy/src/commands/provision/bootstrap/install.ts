import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

export default class ProvisionBootstrapInstall extends MachineCommand {
  static override summary = 'Lay down what goes on with a deployment after every start of this machine.';
  static override description = 'd3 provision setup does so by itself, and the release takes it away.';
  static override examples = ['<%= config.bin %> provision bootstrap install'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }) };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<Json>> {
    const { bootstrapFiles } = await import('../../../bootstrap.ts');
    const { triggers } = await ports();
    const state = await triggers.install(bootstrapFiles(await triggers.program()), {
      dryRun: flags['dry-run'] === true,
    });
    return { result: state as unknown as Json };
  }

  text(result: Json): string {
    return (result as { files: string[] }).files.join('\n');
  }
}
