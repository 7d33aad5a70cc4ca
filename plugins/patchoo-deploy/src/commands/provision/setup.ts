import type { Json } from '@d3/sdk';
import { adminFlag, type CommandContext, type CommandOutcome } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Mode } from '../../memory.ts';
import { ProvisionCommand } from '../../provision-command.ts';
import type { Enrolment } from '../../rules/start.ts';

export default class ProvisionSetup extends ProvisionCommand {
  static override summary = 'Begin to deploy this machine.';
  static override description =
    'Writes down what is to be done, and lays down what goes on with it after every start of the machine, until it is released. One ' +
    'enrolment is deployed once; a renewal of its management never is. Repeated while a deployment is under way it changes nothing.';
  static override examples = [
    '<%= config.bin %> provision setup',
    '<%= config.bin %> provision setup --mode update-only',
    '<%= config.bin %> provision setup --enrolment renewal',
  ];
  static override flags = {
    ...adminFlag,
    mode: Flags.string({
      options: ['deploy', 'update-only'],
      default: 'deploy',
      summary: 'All of it, or only the updates of a machine that was deployed before.',
    }),
    enrolment: Flags.string({
      options: ['new', 'renewal', 'existing'],
      default: 'new',
      summary:
        'What called for it: a new enrolment, a renewal of its management, or a machine people worked with before.',
    }),
    again: Flags.boolean({ summary: 'Deploy it although it was deployed, or people work with it.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Json>> {
    const { begin } = await import('../../begin.ts');
    const { mode, enrolment, again } = context.flags;
    const parts = await this.parts(context);
    const by = await context.admin('perhaps');
    await begin({ mode: mode as Mode, enrolment: enrolment as Enrolment, again: again === true, by }, parts);
    return this.stands(context);
  }
}
