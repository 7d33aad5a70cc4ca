import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DecidedRun } from '../../deployment/decide.ts';
import { decidedText } from '../../deployment/watched-text.ts';

export default class DeploymentRetry extends DepotCommand<DecidedRun> {
  static override summary = 'Have what failed tried again, on all hosts of a deployment or on one.';
  static override description =
    'The step that failed is run anew, then the run goes on: by whoever works on it, or by d3 deployment resume.';
  static override examples = [
    '<%= config.bin %> deployment retry shop',
    '<%= config.bin %> deployment retry shop --host web1.example.org',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    host: Flags.string({ helpValue: 'HOST', summary: 'Only this host.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<DecidedRun>> {
    const { retryHosts } = await import('../../deployment/decide.ts');
    const { decideHere } = await import('../../deployment/run-here.ts');
    const { args, flags } = context;
    const name = String(args['name']);
    const host = typeof flags['host'] === 'string' ? flags['host'] : null;
    return decideHere(context, (ports) => retryHosts(name, host, ports));
  }

  text(decided: DecidedRun): string {
    return decidedText(decided);
  }
}
