import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { type Laid, laidText } from '../../../timer-text.ts';

export default class TimerRemove extends MachineCommand<Laid> {
  static override summary = 'Have the depot pull from Jamf Pro by itself no more.';
  static override description = 'Takes away what d3 jamf timer install laid down, and nothing else.';
  static override examples = ['<%= config.bin %> jamf timer remove'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }) };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<Laid>> {
    const { timerFiles } = await import('../../../timer.ts');
    const { triggers } = await ports();
    const dryRun = flags['dry-run'] === true;
    const { files, installed, active } = await triggers.remove(timerFiles(null, process.platform), { dryRun });
    return { result: { files: [...files], installed, active, dryRun } };
  }

  text(laid: Laid): string {
    return laidText(laid);
  }
}
