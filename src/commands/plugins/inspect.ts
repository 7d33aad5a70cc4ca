import { D3Error } from '@d3/sdk';
import { Args } from '@oclif/core';
import type { ContextOf, Outcome } from '../../cli/base.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { kindOf } from '../../cli/plugins-text.ts';
import type { ShownPlugin } from '../../plugins/shown.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsInspect extends PluginsCommand<ShownPlugin[], typeof PluginsInspect> {
  static override summary =
    'Show what a plugin is: where it lies and comes from, its content, its commands and events.';
  static override examples = ['<%= config.bin %> plugins inspect d3-night'];
  static override args = {
    plugin: Args.string({ name: 'plugin', description: 'Its name.', required: true, multiple: true }),
  };

  async execute({ args, version }: ContextOf<typeof PluginsInspect>): Promise<Outcome<ShownPlugin[]>> {
    const { shownHere } = await import('../../cli/plugins-shown.ts');
    const { eachTarget } = await import('../../cli/each-target.ts');
    const all = await shownHere(this.installation, version, { core: true });
    const { results, errors, exit } = await eachTarget(args.plugin, (name) => {
      const found = all.find((plugin) => plugin.name === name);
      if (found !== undefined) return found;
      const actions = ['See what there is: d3 plugins --core'];
      throw new D3Error('PLUGIN_NOT_INSTALLED', 'notFound', `There is no plugin ${name}.`, { target: name, actions });
    });
    return { result: results, errors, exit };
  }

  render(plugins: ShownPlugin[], terminal: Terminal): void {
    for (const plugin of plugins) {
      const rows: [string, string][] = [
        ['Version', plugin.version],
        ['Kind', kindOf(plugin.type)],
        ['Folder', plugin.folder],
        ['Installed as', plugin.asked ?? '-'],
        ['Content', plugin.integrity ?? '-'],
        ['Allowed by', plugin.allowedBy ?? '-'],
        ['State', plugin.problem ?? 'good'],
        ['Commands', plugin.commands.join(', ') || '-'],
        ['Events', plugin.events.join(', ') || '-'],
      ];
      terminal.table({ title: plugin.name, columns: ['What', 'Is'], rows, empty: '' });
    }
  }
}
