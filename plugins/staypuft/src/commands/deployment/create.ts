import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Created } from '../../deployment/create.ts';

export default class DeploymentCreate extends DepotCommand<Created> {
  static override summary = 'Make a deployment of a blueprint.';
  static override description =
    'It has no hosts yet, and nothing is done to any. A secret is given as the place where the controller finds it, file:/path or ' +
    'command:/path; what it is goes into no depot.';
  static override examples = [
    '<%= config.bin %> deployment create shop --blueprint web-and-db --set database_password=file:/etc/d3-deploy/database-password',
    '<%= config.bin %> deployment create shop-2 --blueprint web-and-db --values shop.yaml --set port=8081',
  ];
  static override args = { name: Args.string({ description: 'What it is called.', required: true }) };
  static override flags = {
    blueprint: Flags.string({ helpValue: 'NAME', summary: 'The blueprint it is made of.', required: true }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it is for.', default: '' }),
    set: Flags.string({ helpValue: 'NAME=VALUE', summary: 'A parameter’s value; repeatable.', multiple: true }),
    values: Flags.string({ helpValue: 'FILE', summary: 'Values as d3 deployment show --values prints them.' }),
    'dry-run': Flags.boolean({ summary: 'Check everything and change nothing.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Created>> {
    const { createHere } = await import('../../deployment/create.ts');
    const request = {
      name: String(args['name']),
      blueprint: String(flags['blueprint']),
      description: String(flags['description']),
      set: (flags['set'] ?? []) as string[],
      values: typeof flags['values'] === 'string' ? flags['values'] : null,
      dryRun: flags['dry-run'] === true,
    };
    return { result: await depot('changes', (admin) => createHere(request, admin)) };
  }

  text({ name, blueprint, dryRun }: Created): string {
    return `Deployment ${name} ${dryRun ? 'would be' : 'is'} made of ${blueprint}.`;
  }
}
