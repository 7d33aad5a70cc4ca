import type { CommandContext, CommandOutcome } from '@d3/sdk/command';
import { dryRunFlag, kindArg, TriggerCommand, type Triggers } from '../../../trigger-command.ts';
import type { Kind } from '../../../triggers.ts';

export default class TriggerRemove extends TriggerCommand {
  static override summary = 'Have puppytime no longer started by itself.';
  static override description = 'Only what was laid down by d3 goes. What waits for a restart stays in the queue.';
  static override examples = ['<%= config.bin %> puppytime trigger remove boot'];
  static override flags = dryRunFlag;
  static override args = { kind: kindArg(true) };

  async execute(context: CommandContext): Promise<CommandOutcome<Triggers>> {
    const { removeTrigger } = await import('../../../triggers.ts');
    const done = await removeTrigger(this.kind(context) as Kind, await this.work(context));
    return { result: { triggers: [done] } };
  }
}
