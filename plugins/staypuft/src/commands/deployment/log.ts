import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Logged } from '../../deployment/log.ts';
import { logText } from '../../deployment/watched-text.ts';

export default class DeploymentLog extends DepotCommand<Logged> {
  static override summary = 'Show what was said while a deployment ran.';
  static override description =
    'Of all hosts in the order it was said, or of one: what its steps printed, and what was decided about it.';
  static override examples = [
    '<%= config.bin %> deployment log shop',
    '<%= config.bin %> deployment log shop --host web1.example.org',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    host: Flags.string({ helpValue: 'HOST', summary: 'Only this host.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Logged>> {
    const { logOf } = await import('../../deployment/log.ts');
    const { runPorts } = await import('../../deployment/run-here.ts');
    const host = typeof flags['host'] === 'string' ? flags['host'] : null;
    return depot('reads', async (admin, ports) => ({
      result: await logOf(String(args['name']), host, await runPorts(admin, ports)),
    }));
  }

  text(logged: Logged): string {
    return logText(logged);
  }
}
