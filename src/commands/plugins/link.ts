import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { ContextOf, Outcome } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { changeText, outcomeOf } from '../../cli/plugins-text.ts';
import type { Change } from '../../plugins/change.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsLink extends PluginsCommand<Change[], typeof PluginsLink> {
  static override summary = 'Run a plugin out of the folder you work on it in.';
  static override description =
    'Whatever changes there counts at the next start. As root, and in CI, only what the setting plugins.allow names by its name is linked.';
  static override examples = ['<%= config.bin %> plugins link', '<%= config.bin %> plugins link ./night'];
  static override flags = {
    ...changingFlags,
    install: Flags.boolean({
      allowNo: true,
      default: false,
      summary: 'Have npm bring what it depends on first; scripts of packages do not run.',
    }),
  };
  static override args = { path: Args.string({ name: 'path', description: 'Its folder.', default: '.' }) };

  async execute(context: ContextOf<typeof PluginsLink>): Promise<Outcome<Change[]>> {
    const { linkOne } = await import('../../plugins/service.ts');
    const { install, 'dry-run': dryRun } = context.flags;
    const root = path.resolve(context.args.path);
    return outcomeOf(await linkOne(root, { install, dryRun }, await this.ports(context)));
  }

  render(changes: Change[], terminal: Terminal): void {
    terminal.result(changes.map((change) => changeText(change).replace('installed', 'linked')).join('\n'));
  }
}
