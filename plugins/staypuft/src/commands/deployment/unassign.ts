import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Assigned } from '../../deployment/fates.ts';
import { assignedText } from '../../deployment/words.ts';

export default class DeploymentUnassign extends DepotCommand<Assigned> {
  static override summary = 'Take hosts out of a deployment.';
  static override description =
    'In Foreman they are in no hostgroup then, and held in the environment discovery; a discovered one is installed anew at its next start. ' +
    'It is refused while the deployment runs, and for hosts that are deployed unless --force insists.';
  static override examples = [
    '<%= config.bin %> deployment unassign shop --role web web3.example.org',
    '<%= config.bin %> deployment unassign shop web1 web2 --force',
  ];
  static override args = {
    name: Args.string({ description: 'The deployment.', required: true }),
    host: Args.string({ name: 'host', description: 'Hosts.', multiple: true }),
  };
  static override flags = {
    role: Flags.string({ helpValue: 'ROLE', summary: 'Only those that have this role.' }),
    group: Flags.string({ helpValue: 'GROUP', summary: 'All computers of a group of the depot.' }),
    force: Flags.boolean({ summary: 'Also hosts that are deployed.' }),
    'dry-run': Flags.boolean({ summary: 'Say what stands against it, and change nothing.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Assigned>> {
    const { hostsGiven } = await import('../../deployment/given.ts');
    const { unassignHosts } = await import('../../deployment/unassign.ts');
    const { portsOf } = await import('../../deployment/ports.ts');
    return depot('changes', async (admin, context) =>
      unassignHosts(
        {
          deployment: String(args['name']),
          role: typeof flags['role'] === 'string' ? flags['role'] : null,
          hosts: await hostsGiven(args['host'], flags['group'], admin),
          force: flags['force'] === true,
          dryRun: flags['dry-run'] === true,
        },
        await portsOf(admin, context),
      ),
    );
  }

  text(unassigned: Assigned): string {
    return assignedText(unassigned);
  }
}
