import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DecidedRun } from '../../deployment/decide.ts';
import { decidedText } from '../../deployment/watched-text.ts';

export default class DeploymentCancel extends DepotCommand<DecidedRun> {
  static override summary = 'End a run of a deployment for good.';
  static override description =
    'Nothing more is begun, and what is under way on hosts is ended there. Hosts stay as they are; their marks end by themselves, or with d3 deployment release.';
  static override examples = ['<%= config.bin %> deployment cancel shop --reason "wrong rack"'];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    reason: Flags.string({ helpValue: 'WHY', summary: 'Why; it is kept.', required: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<DecidedRun>> {
    const { cancelDeployment } = await import('../../deployment/decide.ts');
    const { decideHere } = await import('../../deployment/run-here.ts');
    const { args, flags } = context;
    const name = String(args['name']);
    const why = String(flags['reason']);
    return decideHere(context, (ports, pause) => cancelDeployment(name, why, ports, pause));
  }

  text(decided: DecidedRun): string {
    return decidedText(decided);
  }
}
