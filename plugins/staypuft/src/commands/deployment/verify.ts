import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Verified } from '../../deployment/verify.ts';
import { verifiedText } from '../../deployment/watched-text.ts';

export default class DeploymentVerify extends DepotCommand<Verified> {
  static override summary = 'Look whether the hosts of a deployment are still as it left them.';
  static override description =
    'On each host that is released the checks of its role are run again (assert), and nothing is changed. ' +
    'Exit code 0: all are well, 40: some are not.';
  static override examples = [
    '<%= config.bin %> deployment verify shop',
    '<%= config.bin %> deployment verify shop --host db1',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    host: Flags.string({ helpValue: 'HOST', summary: 'Only this host.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Verified>> {
    const { verifyHere } = await import('../../deployment/verify.ts');
    const { args, flags } = context;
    return verifyHere(context, String(args['name']), typeof flags['host'] === 'string' ? flags['host'] : null);
  }

  text(verified: Verified): string {
    return verifiedText(verified);
  }
}
