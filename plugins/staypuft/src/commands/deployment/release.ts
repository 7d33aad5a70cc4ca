import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DecidedRun } from '../../deployment/decide.ts';
import { decidedText } from '../../deployment/watched-text.ts';

export default class DeploymentRelease extends DepotCommand<DecidedRun> {
  static override summary = 'Hand hosts over to their agents whose role is done, without waiting for the others.';
  static override description =
    'Their agent is on again and their mark gone. It goes also where the run holds, or was cancelled.';
  static override examples = [
    '<%= config.bin %> deployment release shop',
    '<%= config.bin %> deployment release shop --host web1.example.org',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    host: Flags.string({ helpValue: 'HOST', summary: 'Only this host.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<DecidedRun>> {
    const { releaseHere } = await import('../../deployment/run-here.ts');
    const { args, flags } = context;
    return releaseHere(context, String(args['name']), typeof flags['host'] === 'string' ? flags['host'] : null);
  }

  text(decided: DecidedRun): string {
    return decidedText(decided);
  }
}
