import { type CommandContext, type CommandOutcome, PluginCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { AgentChange } from '../../repoman/agent.ts';

export default class RepomanRemove extends PluginCommand<AgentChange> {
  static override summary = 'Have d3RepoMan started no more.';
  static override description = 'What was recorded stays; without new data nothing of the machine expires.';
  static override examples = ['<%= config.bin %> repoman remove'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Show what would be done; change nothing.' }) };

  async execute({ flags, root }: CommandContext): Promise<CommandOutcome<AgentChange>> {
    const { removeAgent } = await import('../../repoman/agent.ts');
    return { result: removeAgent({ root, platform: process.platform }, flags['dry-run'] === true) };
  }

  text({ agent, folder, dryRun }: AgentChange): string {
    return `d3RepoMan ${dryRun ? 'would be' : 'is'} started by nothing any more (${agent}); what was recorded stays in ${folder}`;
  }
}
