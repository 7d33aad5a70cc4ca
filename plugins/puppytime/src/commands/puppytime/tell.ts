import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import type { ShowName } from '../../show/port.ts';

type Told = {
  /** What waits for a restart. */
  queue: string[];
  /** What showed it; null: nothing had to be shown. */
  show: ShowName | null;
};

export default class PuppytimeTell extends MachineCommand<Told> {
  static override summary = 'Tell whoever is at the machine what waits for a restart.';
  static override description =
    'For the script of a notification policy. The window closes by itself after the seconds of puppytime.optOutSeconds. Nothing is installed.';
  static override examples = ['<%= config.bin %> puppytime tell'];

  async execute(context: CommandContext): Promise<CommandOutcome<Told>> {
    const { tellHere } = await import('../../run-here.ts');
    return { result: await tellHere(context) };
  }

  text({ queue, show }: Told): string {
    if (queue.length === 0) return 'Nothing waits for a restart.';
    return show === 'none' ? `Nobody could be told of ${queue.join(', ')}` : `Told of ${queue.join(', ')}`;
  }
}
