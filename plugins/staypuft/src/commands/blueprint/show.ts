import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import type { BlueprintTold } from '../../deployment/blueprints.ts';
import { blueprintText } from '../../deployment/words.ts';

export default class BlueprintShow extends DepotCommand<BlueprintTold> {
  static override summary = 'Show a blueprint: its roles, their order and steps, its parameters.';
  static override examples = ['<%= config.bin %> blueprint show web-and-db'];
  static override args = { name: Args.string({ description: 'Its name.', required: true }) };

  async execute({ depot, args }: CommandContext): Promise<CommandOutcome<BlueprintTold>> {
    const { showBlueprint } = await import('../../deployment/blueprints.ts');
    return { result: await depot('reads', (admin) => showBlueprint(admin, String(args['name']))) };
  }

  text(blueprint: BlueprintTold): string {
    return blueprintText(blueprint);
  }
}
