import { type CommandContext, type CommandOutcome, machineFlags, PluginCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';

type Laid = { files: readonly string[]; folder: string; dryRun: boolean };

export default class RepomanInstall extends PluginCommand<Laid> {
  static override summary = 'Have d3RepoMan started in every graphical session.';
  static override description =
    'Makes the folder that usage is recorded in, so that users add their own files and can touch no others, and lays down an agent of ' +
    'launchd on macOS, an autostart entry elsewhere. It counts from the next session on. Doing it again changes what has changed.';
  static override examples = ['<%= config.bin %> repoman install'];
  static override baseFlags = machineFlags;
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'Show what would be done; change nothing.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Laid>> {
    const { asOwner, makeUsageFolder, repomanTrigger } = await import('../../repoman/agent.ts');
    const { usageFolder } = await import('../../usage-folder.ts');
    const { flags, root } = context;
    const folder = usageFolder(root, process.platform);
    const dryRun = flags['dry-run'] === true;
    return asOwner(folder, async () => {
      const { triggers } = await context.ports();
      const trigger = repomanTrigger(process.platform, await triggers.program());
      if (!dryRun) makeUsageFolder(folder);
      const { files } = await triggers.install(trigger, { dryRun });
      return { result: { files, folder, dryRun } };
    });
  }

  text({ files, folder, dryRun }: Laid): string {
    const is = dryRun ? 'would be' : 'is';
    return `d3RepoMan ${is} started in every session from the next on: ${files.join(', ')}\nIt writes to ${folder}`;
  }
}
