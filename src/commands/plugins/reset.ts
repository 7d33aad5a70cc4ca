import { Flags } from '@oclif/core';
import type { ContextOf, Outcome } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { changeText, outcomeOf, removedText } from '../../cli/plugins-text.ts';
import type { Change } from '../../plugins/change.ts';
import type { Removed } from '../../plugins/service.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type Reset = (Removed | Change)[];

export default class PluginsReset extends PluginsCommand<Reset, typeof PluginsReset> {
  static override summary = 'Remove all installed and linked plugins, whatever state they are in.';
  static override examples = ['<%= config.bin %> plugins reset', '<%= config.bin %> plugins reset --reinstall'];
  static override flags = {
    ...changingFlags,
    hard: Flags.boolean({ summary: 'The same: nothing is ever left.', hidden: true }),
    reinstall: Flags.boolean({ summary: 'Remove none; lay every one down again, with the content it had.' }),
  };

  #dryRun = false;

  async execute(context: ContextOf<typeof PluginsReset>): Promise<Outcome<Reset>> {
    const { repairPlugins, resetPlugins } = await import('../../plugins/service.ts');
    const ports = await this.ports(context);
    const { reinstall, 'dry-run': dryRun } = context.flags;
    this.#dryRun = dryRun;
    if (reinstall) return outcomeOf<Reset[number]>(await repairPlugins({ dryRun }, ports));
    return { result: await resetPlugins({ dryRun }, ports) };
  }

  render(reset: Reset, terminal: Terminal): void {
    const text = (one: Reset[number]) => ('outcome' in one ? changeText(one) : removedText(one, this.#dryRun));
    terminal.result(reset.length === 0 ? 'No plugins are installed.' : reset.map(text).join('\n'));
  }
}
