import { type CommandContext, type CommandOutcome, PluginCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import type { BlueprintTold } from '../../deployment/blueprints.ts';
import { blueprintText } from '../../deployment/words.ts';

export default class BlueprintValidate extends PluginCommand<BlueprintTold> {
  static override summary = 'Check a file that has a blueprint.';
  static override description =
    'Every problem is told at once, each with its place and what to do. No depot is needed.';
  static override examples = ['<%= config.bin %> blueprint validate web-and-db.yaml'];
  static override args = { file: Args.string({ description: 'A file of YAML or JSON.', required: true }) };

  async execute({ args }: CommandContext): Promise<CommandOutcome<BlueprintTold>> {
    const { validateFile } = await import('../../deployment/blueprints.ts');
    return { result: await validateFile(String(args['file'])) };
  }

  text(blueprint: BlueprintTold): string {
    return `It is good.\n${blueprintText(blueprint)}`;
  }
}
