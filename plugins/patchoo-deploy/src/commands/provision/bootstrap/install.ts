import type { TriggerState } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

export default class ProvisionBootstrapInstall extends MachineCommand<TriggerState> {
  static override summary = 'Lay down what goes on with a deployment after every start of this machine.';
  static override description =
    'd3 provision setup does so by itself, and the release takes it away. With --setup, for an image: what sets the machine up at its ' +
    'first start, once it is enrolled and its depot answers, and takes itself away.';
  static override examples = [
    '<%= config.bin %> provision bootstrap install',
    '<%= config.bin %> provision bootstrap install --setup --root /Volumes/image',
  ];
  static override flags = {
    setup: Flags.boolean({ summary: 'What sets the machine up at its next start.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }),
  };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<TriggerState>> {
    const { bootstrapFiles } = await import('../../../bootstrap.ts');
    const { triggers } = await ports();
    const { companionFiles } = await import('../../../companion.ts');
    const program = await triggers.program();
    const dryRun = flags['dry-run'] === true;
    const state =
      flags['setup'] === true
        ? await triggers.install(companionFiles(program), { dryRun, now: false })
        : await triggers.install(bootstrapFiles(program), { dryRun });
    return { result: state };
  }

  text({ files }: TriggerState): string {
    return files.join('\n');
  }
}
