import { Args } from '@oclif/core';
import type { ContextOf, Outcome } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { changeText, outcomeOf } from '../../cli/plugins-text.ts';
import type { Change } from '../../plugins/change.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsUpdate extends PluginsCommand<Change[], typeof PluginsUpdate> {
  static override summary = 'Update installed plugins, within what was asked for when they were installed.';
  static override description =
    'One that cannot be updated stays as it is, and the others are updated. Linked plugins are their own folders.';
  static override examples = ['<%= config.bin %> plugins update', '<%= config.bin %> plugins update d3-night'];
  static override flags = changingFlags;
  static override args = {
    plugin: Args.string({ name: 'plugin', description: 'Which; all unless said.', multiple: true }),
  };

  async execute(context: ContextOf<typeof PluginsUpdate>): Promise<Outcome<Change[]>> {
    const { updatePlugins } = await import('../../plugins/service.ts');
    const ports = await this.ports(context);
    const { plugin: names = [] } = context.args;
    return outcomeOf(await updatePlugins(names, { dryRun: context.flags['dry-run'] }, ports));
  }

  render(changes: Change[], terminal: Terminal): void {
    terminal.result(changes.length === 0 ? 'No plugins are installed.' : changes.map(changeText).join('\n'));
  }
}
