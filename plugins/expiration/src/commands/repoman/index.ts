import { D3Error } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, duration, machineFlags, PluginCommand } from '@d3/sdk/command';
import type { Watched } from '../../repoman/watch.ts';

const MINUTES = 60;
/** Seconds. */
const LEAST = 1;

export default class Repoman extends PluginCommand<Watched> {
  static override summary = 'Record which apps you use, until your session ends.';
  static override description =
    'Notes when each app was last in front, in a file of your own that expiration goes by. "d3 repoman install" has it started in ' +
    'every graphical session: on macOS, and on Linux under X11. Wayland tells nobody which app is in front, so it is refused there (30).';
  static override examples = ['<%= config.bin %> repoman', '<%= config.bin %> repoman --every 1m'];
  static override endsBySignal = true;
  static override baseFlags = machineFlags;
  static override flags = {
    every: duration({
      helpValue: 'TIME',
      summary: 'How much a power cut may take at most: 90s, 5m.',
      default: 5 * MINUTES,
    }),
  };

  async execute({ flags, root, ui, signal }: CommandContext): Promise<CommandOutcome<Watched>> {
    const every = flags['every'] as number;
    if (every < LEAST) {
      throw new D3Error('EVERY_TOO_SHORT', 'usage', 'Usage is written once a second at most.', { target: '--every' });
    }
    const { watchHere } = await import('../../repoman/here.ts');
    return { result: await watchHere({ root, every: every * 1000, ui, signal }) };
  }

  text({ file, switches }: Watched): string {
    return `${switches} times an app came to the front: ${file}`;
  }
}
