import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';

type Set = { name: string; changed: string[]; dryRun: boolean } & { [key: string]: Json };

export default class DeploymentSet extends DepotCommand<Set> {
  static override summary = 'Give parameters of a deployment other values.';
  static override description =
    'For all its hosts, for those of one role, or for one host; a host’s own value goes before its role’s, and that before the deployment’s. ' +
    'An empty value takes one away. A run that is under way keeps the values it began with.';
  static override examples = [
    '<%= config.bin %> deployment set shop port=8080',
    '<%= config.bin %> deployment set shop --role web port=8081',
    '<%= config.bin %> deployment set shop --host web3.example.org port=',
  ];
  static override args = {
    name: Args.string({ description: 'The deployment.', required: true }),
    value: Args.string({ name: 'value', description: 'NAME=VALUE, one or more.', multiple: true }),
  };
  static override flags = {
    role: Flags.string({ helpValue: 'ROLE', summary: 'Only for hosts of this role.', exclusive: ['host'] }),
    host: Flags.string({ helpValue: 'HOST', summary: 'Only for this host.' }),
    'dry-run': Flags.boolean({ summary: 'Check the values and change nothing.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Set>> {
    const { several } = await import('../../deployment/given.ts');
    const { setValues } = await import('../../deployment/values.ts');
    const set = several(args['value'], 'value', 'NAME=VALUE');
    const request = {
      deployment: String(args['name']),
      set,
      role: typeof flags['role'] === 'string' ? flags['role'] : null,
      host: typeof flags['host'] === 'string' ? flags['host'] : null,
      dryRun: flags['dry-run'] === true,
    };
    const { name } = await depot('changes', (admin) => setValues(request, { admin }));
    return { result: { name, changed: set.map((one) => one.split('=', 1)[0] ?? ''), dryRun: request.dryRun } };
  }

  text({ name, changed, dryRun }: Set): string {
    return `${name}: ${changed.join(', ')} ${dryRun ? 'would be' : changed.length === 1 ? 'is' : 'are'} set.`;
  }
}
