import { adminFlag, type CommandContext, type CommandOutcome } from '@d3/sdk/command';
import { ProvisionCommand, reasonFlag } from '../../provision-command.ts';
import type { Status } from '../../status.ts';

export default class ProvisionSkip extends ProvisionCommand {
  static override summary = 'Leave out the step at which the deployment stands.';
  static override description =
    'Who and why is kept. Where nobody said what the machine is, or a failure is in the way of its release, it is released as it is.';
  static override examples = ["<%= config.bin %> provision skip --reason 'the printer comes later' -a bob"];
  static override flags = { ...adminFlag, ...reasonFlag };

  async execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    const { skip } = await import('../../decide.ts');
    const by = await context.admin('required');
    await skip(await this.parts(context), { by, why: String(context.flags['reason']) });
    return this.stands(context);
  }
}
