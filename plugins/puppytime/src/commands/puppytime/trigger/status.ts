import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { kindArg, TriggerCommand, type Triggers } from '../../../trigger-command.ts';

export default class TriggerStatus extends TriggerCommand {
  static override summary = 'Say what starts puppytime by itself.';
  static override examples = [
    '<%= config.bin %> puppytime trigger status',
    '<%= config.bin %> puppytime trigger status self-service --json',
  ];
  static override args = { kind: kindArg(false) };

  async execute(context: CommandContext): Promise<CommandOutcome<Triggers>> {
    const { triggersHere } = await import('../../../triggers.ts');
    const triggers = await triggersHere(this.kind(context), await this.work(context));
    return { result: { triggers } };
  }
}
