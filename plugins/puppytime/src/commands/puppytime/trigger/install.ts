import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { dryRunFlag, kindArg, TriggerCommand, type Triggers } from '../../../trigger-command.ts';

export default class TriggerInstall extends TriggerCommand {
  static override summary = 'Have puppytime started by itself.';
  static override description =
    'login-window (Macs) starts it after every start and logout, and once a day for whoever never logs out. shutdown and boot (Linux) start ' +
    'it when the machine goes down or comes up. logout-policy and self-service print the line for a policy of Jamf Pro, or for Self Service. ' +
    'Without a kind it is login-window on a Mac and boot on Linux. Doing it again changes what has changed.';
  static override examples = [
    '<%= config.bin %> puppytime trigger install',
    '<%= config.bin %> puppytime trigger install self-service',
  ];
  static override flags = dryRunFlag;
  static override args = { kind: kindArg(false) };

  async execute(context: CommandContext): Promise<CommandOutcome<Triggers>> {
    const { installTrigger } = await import('../../../triggers.ts');
    const kind = this.kind(context) ?? (process.platform === 'darwin' ? 'login-window' : 'boot');
    const done = await installTrigger(kind, await this.work(context));
    return { result: { triggers: [done] } };
  }
}
