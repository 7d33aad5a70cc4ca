import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { jamfFlags } from '../../flags.ts';
import type { ImportResult } from '../../import/here.ts';
import { told } from '../../import/words.ts';

export default class Import extends DepotCommand<ImportResult> {
  static override summary = 'Take packages of Jamf Pro in as pilots.';
  static override description =
    'Every package of Jamf Pro that no edition is linked to can be taken in. d3 proposes what each is from its names, and from what is ' +
    'in its file where that is at hand; nothing comes in without a yes. At a terminal it asks. Elsewhere --plan-to writes the proposals ' +
    'as a table, somebody edits it, and --plan carries it out; or one package is named with all there is to say. Files come from the ' +
    'cloud distribution point, or from a folder. What was cut goes on the next time, and what is in is left alone.';
  static override examples = [
    '<%= config.bin %> jamf import',
    '<%= config.bin %> jamf import --plan-to plan.csv',
    '<%= config.bin %> jamf import --plan plan.csv --dry-run',
    '<%= config.bin %> jamf import --plan plan.csv --files /Volumes/CasperShare',
    '<%= config.bin %> jamf import --id 12 --basename firefox --version 128.0.3',
  ];
  static override flags = {
    ...jamfFlags,
    id: Flags.string({
      helpValue: 'ID',
      summary: 'Take in the package with this id in Jamf Pro.',
      exclusive: ['name', 'plan', 'plan-to'],
    }),
    name: Flags.string({
      helpValue: 'NAME',
      summary: 'Take in the package of this name, its own or its file’s.',
      exclusive: ['plan', 'plan-to'],
    }),
    basename: Flags.string({ helpValue: 'BASENAME', summary: 'What it is an edition of.' }),
    version: Flags.string({ helpValue: 'VERSION', summary: 'Its version.' }),
    revision: Flags.integer({ helpValue: 'NUMBER', min: 1, summary: 'Its revision; else the next that is free.' }),
    category: Flags.string({
      helpValue: 'CATEGORY',
      summary: 'Its category, made where it is missing; none for none; else the one it has in Jamf Pro.',
    }),
    plan: Flags.string({ helpValue: 'FILE', summary: 'Take in what a plan says.', exclusive: ['plan-to'] }),
    'plan-to': Flags.string({
      helpValue: 'FILE',
      summary: 'Write a plan with a proposal for each package.',
      exclusive: ['dry-run'],
    }),
    files: Flags.string({
      helpValue: 'DIR',
      summary: 'A folder with the files of a distribution point, mounted by you; the cloud has the rest.',
    }),
    look: Flags.boolean({ summary: 'Fetch files to look into them before anything is proposed.' }),
    'dry-run': Flags.boolean({ summary: 'Check everything and say what would be taken in; change nothing.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<ImportResult>> {
    const { importHere } = await import('../../import/here.ts');
    return importHere(context);
  }

  text(result: ImportResult): string {
    return told(result);
  }
}
