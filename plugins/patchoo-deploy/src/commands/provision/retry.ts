import { adminFlag, type CommandContext, type CommandOutcome } from '@d3/sdk/command';
import { ProvisionCommand } from '../../provision-command.ts';
import type { Status } from '../../status.ts';

export default class ProvisionRetry extends ProvisionCommand {
  static override summary = 'Have the step tried again at which the deployment failed or waits.';
  static override description = 'What waits for its next look is looked at now. d3 provision run goes on with it.';
  static override examples = ['<%= config.bin %> provision retry'];
  static override flags = adminFlag;

  async execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    const { retry } = await import('../../decide.ts');
    await retry(await this.parts(context), await context.admin('required'));
    return this.stands(context);
  }
}
