import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { ProvisionCommand } from '../../provision-command.ts';
import type { Status } from '../../status.ts';

export default class ProvisionStatus extends ProvisionCommand {
  static override summary = 'Say how the deployment of this machine stands.';
  static override description =
    'Ends with 0 when it is over or there is none, 43 while it holds, 44 when a failure holds it, 42 while it waits for a restart, 20 while ' +
    'the depot does not answer, 41 while it is at work. --json has what ran, how long, what failed and who decided what; it stays when the ' +
    'machine is released.';
  static override examples = ['<%= config.bin %> provision status', '<%= config.bin %> provision status --json'];

  execute(context: CommandContext): Promise<CommandOutcome<Status>> {
    return this.ended(context);
  }
}
