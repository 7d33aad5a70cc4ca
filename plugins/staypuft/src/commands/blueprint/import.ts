import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { Imported } from '../../deployment/blueprints.ts';

export default class BlueprintImport extends DepotCommand<Imported> {
  static override summary = 'Bring a blueprint in from a file.';
  static override description =
    'The file is YAML or JSON. Roles that say "order: 10" in place of "after: [db]" are taken as coming after all of the next lower number. ' +
    'A run that is under way goes on with the blueprint it began with.';
  static override examples = [
    '<%= config.bin %> blueprint import web-and-db.yaml',
    '<%= config.bin %> blueprint import web-and-db.yaml --name shop --replace --dry-run',
  ];
  static override args = { file: Args.string({ description: 'A file of YAML or JSON.', required: true }) };
  static override flags = {
    name: Flags.string({ helpValue: 'NAME', summary: 'What it is called here; else as the file says.' }),
    replace: Flags.boolean({ summary: 'Put it in the place of another one of this name.' }),
    'dry-run': Flags.boolean({ summary: 'Check it and say what would be done; change nothing.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<Imported>> {
    const { importBlueprint } = await import('../../deployment/blueprints.ts');
    const request = {
      file: String(args['file']),
      name: typeof flags['name'] === 'string' ? flags['name'] : null,
      replace: flags['replace'] === true,
      dryRun: flags['dry-run'] === true,
    };
    return { result: await depot('changes', (admin) => importBlueprint(admin, request)) };
  }

  text({ name, fate, dryRun }: Imported): string {
    const would = dryRun ? 'would be' : 'is';
    const words = { new: `${would} there now`, replaced: `${would} replaced`, same: 'is as it was' };
    return `Blueprint ${name} ${words[fate]}.`;
  }
}
