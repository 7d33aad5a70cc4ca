import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import { jamfFlags } from '../../flags.ts';
import type { Pushed } from '../../mirror/push.ts';

export default class Push extends DepotCommand<Pushed[]> {
  static override summary = 'Bring editions to Jamf Pro as packages.';
  static override description =
    'Makes a package in Jamf Pro of each edition, or changes what is there: name, file name, category, notes, operating systems and ' +
    'whether it needs a restart are d3’s; everything else of the package stays as it is in Jamf Pro. The file is sent where Jamf Pro does not have ' +
    'the very same, and is waited for until it is ready. What was cut goes on, without making anything twice. With jamf.mirror set to ' +
    'auto, adding and editing do this by themselves.';
  static override examples = [
    '<%= config.bin %> jamf push transmogrifier-2.1.2-1',
    '<%= config.bin %> jamf push --all',
  ];
  static override flags = {
    ...jamfFlags,
    all: Flags.boolean({
      summary: 'All editions that are for Macs; a package that was deleted in Jamf Pro is not made anew.',
    }),
  };
  static override args = {
    edition: Args.string({ name: 'edition', description: 'Editions, or their ids.', multiple: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Pushed[]>> {
    const { pushHere } = await import('../../mirror/here.ts');
    return pushHere(context);
  }

  text(pushed: Pushed[]): string {
    return pushed
      .map(({ edition, jamf, fate, uploaded }) => {
        if (fate === 'skipped') return `${edition}: is not for Jamf Pro.`;
        if (fate === 'gone')
          return `${edition}: its package was deleted in Jamf Pro; d3 jamf push ${edition} makes it anew.`;
        const words = {
          created: 'was made',
          linked: 'was there and is linked',
          changed: 'was changed',
          same: 'is as it should be',
        };
        return `${edition}: package ${jamf} ${words[fate]}${uploaded ? ', its file was sent' : ''}.`;
      })
      .join('\n');
  }
}
