import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DeploymentTold } from '../../deployment/show.ts';
import { deploymentText } from '../../deployment/words.ts';

type Values = { name: string; yaml: string };

export default class DeploymentShow extends DepotCommand<DeploymentTold | Values> {
  static override summary = 'Show a deployment: its values, its hosts and how far each is.';
  static override description =
    'What secrets are is never shown. With --values it prints what the deployment was given as YAML, for another one: ' +
    'd3 deployment create --values.';
  static override examples = [
    '<%= config.bin %> deployment show shop',
    '<%= config.bin %> deployment show shop --values > shop.yaml',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    values: Flags.boolean({ summary: 'Its values, as YAML.' }),
    secrets: Flags.boolean({ summary: 'With the places where secrets are kept.', dependsOn: ['values'] }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<DeploymentTold | Values>> {
    const name = String(args['name']);
    if (flags['values'] === true) {
      const { valuesYaml } = await import('../../deployment/create.ts');
      return { result: await depot('reads', (admin) => valuesYaml(admin, name, flags['secrets'] === true)) };
    }
    const { showDeployment } = await import('../../deployment/show.ts');
    const shown: Json = await depot('reads', (admin) => showDeployment(name, { admin, runs: admin.runs }));
    return { result: shown as DeploymentTold };
  }

  text(shown: DeploymentTold | Values): string {
    return 'yaml' in shown ? shown.yaml.trimEnd() : deploymentText(shown);
  }
}
