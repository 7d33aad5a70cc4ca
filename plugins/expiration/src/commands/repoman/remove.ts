import { type CommandContext, type CommandOutcome, machineFlags, PluginCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

type Taken = { files: readonly string[]; folder: string; dryRun: boolean };

export default class RepomanRemove extends PluginCommand<Taken> {
  static override summary = 'Have d3RepoMan started no more.';
  static override description = 'What was recorded stays; without new data nothing of the machine expires.';
  static override examples = ['<%= config.bin %> repoman remove'];
  static override baseFlags = machineFlags;
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Show what would be done; change nothing.' }) };

  async execute(context: CommandContext): Promise<CommandOutcome<Taken>> {
    const { asOwner, repomanTrigger } = await import('../../repoman/agent.ts');
    const { usageFolder } = await import('../../usage-folder.ts');
    const { flags, root } = context;
    const folder = usageFolder(root, process.platform);
    const dryRun = flags['dry-run'] === true;
    return asOwner(folder, async () => {
      const { triggers } = await context.ports();
      const { files } = await triggers.remove(repomanTrigger(process.platform, ''), { dryRun });
      return { result: { files, folder, dryRun } };
    });
  }

  text({ files, folder, dryRun }: Taken): string {
    if (files.length === 0) return 'Nothing starts d3RepoMan here.';
    return `${dryRun ? 'Would be taken away' : 'Taken away'}: ${files.join(', ')}\nWhat was recorded stays in ${folder}`;
  }
}
