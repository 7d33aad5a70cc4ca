import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';

type Exported = { name: string; yaml: string };

export default class BlueprintExport extends DepotCommand<Exported> {
  static override summary = 'Print a blueprint as YAML.';
  static override description =
    'What is printed can be imported into another depot. Where defaults of secrets are kept is left out.';
  static override examples = ['<%= config.bin %> blueprint export web-and-db > web-and-db.yaml'];
  static override args = { name: Args.string({ description: 'Its name.', required: true }) };
  static override flags = {
    secrets: Flags.boolean({ summary: 'With the places where defaults of secrets are kept.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Exported>> {
    const { exportBlueprint } = await import('../../deployment/blueprints.ts');
    return {
      result: await depot('reads', (admin) => exportBlueprint(admin, String(args['name']), flags['secrets'] === true)),
    };
  }

  text({ yaml }: Exported): string {
    return yaml.trimEnd();
  }
}
