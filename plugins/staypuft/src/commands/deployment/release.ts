import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DecidedRun } from '../../deployment/decide.ts';
import { decidedText } from '../../deployment/watched-text.ts';

export default class DeploymentRelease extends DepotCommand<DecidedRun> {
  static override summary = 'Hand hosts over to their agents whose role is done, without waiting for the others.';
  static override description =
    'Their agent is on again and their mark gone. Whoever works on the run does it, or d3 deployment resume.';
  static override examples = [
    '<%= config.bin %> deployment release shop',
    '<%= config.bin %> deployment release shop --host web1.example.org',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    host: Flags.string({ helpValue: 'HOST', summary: 'Only this host.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<DecidedRun>> {
    const { releaseHosts } = await import('../../deployment/decide.ts');
    const { decideHere } = await import('../../deployment/run-here.ts');
    const { args, flags } = context;
    const name = String(args['name']);
    const host = typeof flags['host'] === 'string' ? flags['host'] : null;
    return decideHere(context, (ports) => releaseHosts(name, host, ports));
  }

  text(decided: DecidedRun): string {
    return decidedText(decided);
  }
}
