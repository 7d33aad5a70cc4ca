import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Assigned } from '../../deployment/fates.ts';
import { assignedText } from '../../deployment/words.ts';

export default class DeploymentAssign extends DepotCommand<Assigned> {
  static override summary = 'Say which hosts have a role in a deployment.';
  static override description =
    'Each host on its own: what stands against one ends no other, and the exit code is 40 then. A host is in one role of one deployment. ' +
    'A discovered host becomes a managed one of its role’s hostgroup and is held; nothing is installed or restarted before the deployment is run. ' +
    'While a deployment runs, hosts can be added: the next run takes them up.';
  static override examples = [
    '<%= config.bin %> deployment assign shop --role db db1.example.org db2.example.org',
    '<%= config.bin %> deployment assign shop --role web web1 --set port=8081',
    '<%= config.bin %> deployment assign shop --role web --group lab --dry-run',
  ];
  static override args = {
    name: Args.string({ description: 'The deployment.', required: true }),
    host: Args.string({ name: 'host', description: 'Hosts, or computers of the depot.', multiple: true }),
  };
  static override flags = {
    role: Flags.string({ helpValue: 'ROLE', summary: 'The role they have.', required: true }),
    group: Flags.string({ helpValue: 'GROUP', summary: 'All computers of a group of the depot.' }),
    set: Flags.string({
      helpValue: 'NAME=VALUE',
      summary: 'A parameter’s value for these hosts alone; repeatable.',
      multiple: true,
    }),
    'dry-run': Flags.boolean({ summary: 'Say what stands against it, and change nothing.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Assigned>> {
    const { hostsGiven } = await import('../../deployment/given.ts');
    const { assignHosts } = await import('../../deployment/assign.ts');
    const { portsOf } = await import('../../deployment/ports.ts');
    return depot('changes', async (admin, context) =>
      assignHosts(
        {
          deployment: String(args['name']),
          role: String(flags['role']),
          hosts: await hostsGiven(args['host'], flags['group'], admin),
          set: (flags['set'] ?? []) as string[],
          dryRun: flags['dry-run'] === true,
        },
        await portsOf(admin, context),
      ),
    );
  }

  text(assigned: Assigned): string {
    return assignedText(assigned);
  }
}
