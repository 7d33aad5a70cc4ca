import { type CommandContext, type CommandOutcome, duration, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { type Laid, laidText } from '../../../timer-text.ts';

export default class TimerInstall extends MachineCommand<Laid> {
  static override summary = 'Have the depot pull from Jamf Pro by itself.';
  static override description =
    'Lays down a timer for d3 jamf pull on the depot’s own host: systemd’s on Linux, launchd’s on a Mac. The server and the client come from the ' +
    'settings jamf.server, jamf.clientId and jamf.secretFile. Doing it again changes what has changed.';
  static override examples = [
    '<%= config.bin %> jamf timer install --depot /var/lib/depot --admin jamf-pull --every 30m',
  ];
  static override flags = {
    admin: Flags.string({ helpValue: 'NAME', summary: 'Who acts, in the history of the depot.', required: true }),
    every: duration({ helpValue: 'TIME', summary: 'From the end of one pull to the next: 30m, 2h.', default: 1800 }),
    'dry-run': Flags.boolean({ summary: 'Say what would be done; change nothing.' }),
  };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<Laid>> {
    const { timerFiles, timerOf } = await import('../../../timer.ts');
    const { triggers } = await ports();
    const { depot, admin, every } = flags;
    const timer = timerOf({ program: await triggers.program(), depot, admin, every: every as number });
    const dryRun = flags['dry-run'] === true;
    const { files, installed, active } = await triggers.install(timerFiles(timer, process.platform), { dryRun });
    return { result: { files: [...files], installed, active, dryRun } };
  }

  text(laid: Laid): string {
    return laidText(laid);
  }
}
