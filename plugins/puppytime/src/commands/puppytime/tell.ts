import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';

export default class PuppytimeTell extends MachineCommand {
  static override summary = 'Tell whoever is at the machine what waits for a restart.';
  static override description =
    'For the script of a notification policy. The window closes by itself after the seconds of puppytime.optOutSeconds. Nothing is installed.';
  static override examples = ['<%= config.bin %> puppytime tell'];

  async execute(context: CommandContext): Promise<CommandOutcome<Json>> {
    const { tellHere } = await import('../../run-here.ts');
    return { result: { ...(await tellHere(context)) } };
  }

  text(result: Json): string {
    const { queue, show } = result as { queue: string[]; show: string | null };
    if (queue.length === 0) return 'Nothing waits for a restart.';
    return show === 'none' ? `Nobody could be told of ${queue.join(', ')}` : `Told of ${queue.join(', ')}`;
  }
}
