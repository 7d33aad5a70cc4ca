import { Flags } from '@oclif/core';
import type { ContextOf, Outcome } from '../../cli/base.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { pluginsTable } from '../../cli/plugins-text.ts';
import type { ShownPlugin } from '../../plugins/shown.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsList extends PluginsCommand<ShownPlugin[], typeof PluginsList> {
  static override summary = 'List installed and linked plugins, with their versions and where they come from.';
  static override aliases = ['plugins:list'];
  static override examples = ['<%= config.bin %> plugins', '<%= config.bin %> plugins list --core --json'];
  static override flags = { core: Flags.boolean({ summary: 'List what comes with d3 as well.' }) };

  #newer: string | null = null;

  async execute(context: ContextOf<typeof PluginsList>): Promise<Outcome<ShownPlugin[]>> {
    const { flags, version } = context;
    const { shownHere } = await import('../../cli/plugins-shown.ts');
    this.#newer = await this.newer(context);
    return { result: await shownHere(this.installation, version, flags) };
  }

  render(plugins: ShownPlugin[], terminal: Terminal): void {
    terminal.table(pluginsTable(plugins, 'No plugins are installed.'));
    if (this.#newer !== null) terminal.notice(this.#newer);
  }
}
