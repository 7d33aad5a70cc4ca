import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Assigned } from '../../deployment/fates.ts';
import { assignedText } from '../../deployment/words.ts';

export default class DeploymentDelete extends DepotCommand<Assigned> {
  static override summary = 'Take all hosts out of a deployment, and it away.';
  static override description =
    'It is refused while the deployment runs, and while hosts in it are deployed unless --force insists. A host that cannot be taken out keeps ' +
    'the deployment there.';
  static override examples = [
    '<%= config.bin %> deployment delete shop --dry-run',
    '<%= config.bin %> deployment delete shop --force',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    force: Flags.boolean({ summary: 'Also while hosts in it are deployed.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be done, and change nothing.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Assigned>> {
    const { deleteDeployment } = await import('../../deployment/delete.ts');
    const { portsOf } = await import('../../deployment/ports.ts');
    const request = {
      deployment: String(args['name']),
      force: flags['force'] === true,
      dryRun: flags['dry-run'] === true,
    };
    return depot('changes', async (admin, context) => deleteDeployment(request, await portsOf(admin, context)));
  }

  text(deleted: Assigned): string {
    const stays = deleted.hosts.some(({ fate }) => fate === 'failed');
    const end = stays ? 'stays' : deleted.dryRun ? 'would be deleted' : 'is deleted';
    return [
      ...(deleted.hosts.length === 0 ? [] : [assignedText(deleted)]),
      `Deployment ${deleted.deployment} ${end}.`,
    ].join('\n');
  }
}
