import { adminFlag, type CommandContext, type CommandOutcome } from '@d3/sdk/command';
import { ProvisionCommand, reasonFlag } from '../../../provision-command.ts';
import type { Status } from '../../../status.ts';

export default class ProvisionHoldRelease extends ProvisionCommand {
  static override summary = 'Release this machine as it is, whatever is still to be done.';
  static override description =
    'On the machine itself. Who and why is kept, and reported. A machine elsewhere is released by saying what it is: d3 provision assign.';
  static override examples = ["<%= config.bin %> provision hold release --reason 'it is needed now' -a bob"];
  static override flags = { ...adminFlag, ...reasonFlag };

  async execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    const { releaseAsItIs } = await import('../../../decide.ts');
    const by = await context.admin('required');
    await releaseAsItIs(await this.parts(context), { by, why: String(context.flags['reason']) });
    return this.stands(context);
  }
}
