import { type ContextOf, type Outcome, targets } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { outcomeOf, removedText } from '../../cli/plugins-text.ts';
import type { Removed } from '../../plugins/service.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsUninstall extends PluginsCommand<Removed[], typeof PluginsUninstall> {
  static override summary = 'Remove installed plugins, and links to plugins.';
  static override description = 'It needs no network, and no plugin that works. A linked folder stays as it is.';
  static override aliases = ['plugins:unlink', 'plugins:remove'];
  static override examples = ['<%= config.bin %> plugins uninstall d3-night'];
  static override flags = changingFlags;
  static override args = { plugin: targets('plugin', 'The name, or the folder of a link.') };

  #dryRun = false;

  async execute(context: ContextOf<typeof PluginsUninstall>): Promise<Outcome<Removed[]>> {
    const { uninstallPlugins } = await import('../../plugins/service.ts');
    const ports = await this.ports(context);
    this.#dryRun = context.flags['dry-run'];
    const options = { dryRun: this.#dryRun };
    return outcomeOf(await uninstallPlugins(context.args.plugin, process.cwd(), options, ports));
  }

  render(removed: Removed[], terminal: Terminal): void {
    terminal.result(removed.map((one) => removedText(one, this.#dryRun)).join('\n'));
  }
}
