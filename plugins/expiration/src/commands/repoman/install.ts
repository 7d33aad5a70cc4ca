import { type CommandContext, type CommandOutcome, PluginCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { AgentChange } from '../../repoman/agent.ts';

export default class RepomanInstall extends PluginCommand<AgentChange> {
  static override summary = 'Have d3RepoMan started in every graphical session.';
  static override description =
    'Makes the folder that usage is recorded in, so that users add their own files and can touch no others, and lays down an agent of ' +
    'launchd on macOS, an autostart entry elsewhere. Doing it again changes what has changed.';
  static override examples = ['<%= config.bin %> repoman install'];
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'Show what would be done; change nothing.' }),
    program: Flags.string({
      helpValue: 'PATH',
      summary: 'The d3 that is started, by its absolute path.',
      default: '/usr/local/bin/d3',
    }),
  };

  async execute({ flags, root }: CommandContext): Promise<CommandOutcome<AgentChange>> {
    const { installAgent, programOf } = await import('../../repoman/agent.ts');
    const { program, warnings } = programOf(flags['program'] as string, root);
    const place = { root, platform: process.platform };
    return { result: installAgent(place, program, flags['dry-run'] === true), warnings };
  }

  text({ agent, folder, told, dryRun }: AgentChange): string {
    if (dryRun) return `d3RepoMan would be started in every session by ${agent}, and write to ${folder}`;
    return `d3RepoMan is started in every session${told ? ', and in this one now' : ' from the next on'}, by ${agent}; it writes to ${folder}`;
  }
}
