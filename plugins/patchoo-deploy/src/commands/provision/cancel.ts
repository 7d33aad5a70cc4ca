import { adminFlag, type CommandContext, type CommandOutcome } from '@d3/sdk/command';
import { ProvisionCommand, reasonFlag } from '../../provision-command.ts';
import type { Status } from '../../status.ts';

export default class ProvisionCancel extends ProvisionCommand {
  static override summary = 'End the deployment of this machine for good.';
  static override description = 'Who and why is kept, and what keeps the machine is taken away. It can be begun again.';
  static override examples = ["<%= config.bin %> provision cancel --reason 'the wrong machine' -a bob"];
  static override flags = { ...adminFlag, ...reasonFlag };

  async execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    const { cancel } = await import('../../decide.ts');
    const by = await context.admin('required');
    await cancel(await this.parts(context), { by, why: String(context.flags['reason']) });
    return this.stands(context);
  }
}
