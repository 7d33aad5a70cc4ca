import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Removed } from '../../client/setup.ts';

export default class ClientRemove extends MachineCommand<Removed> {
  static override summary = 'Undo what d3 client setup did on this machine, and nothing else.';
  static override description =
    'The key is taken out of authorized_keys, puppet.conf and the agent’s service become what they were before. What somebody has changed since stays.';
  static override examples = ['<%= config.bin %> client remove'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }) };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<Removed>> {
    const { removeClient } = await import('../../client/setup.ts');
    return { result: await removeClient(await ports(), { dryRun: flags['dry-run'] === true }) };
  }

  text({ changed }: Removed): string {
    return changed.length === 0 ? 'There is nothing to undo.' : changed.map((one) => `- ${one}`).join('\n');
  }
}
