import { Flags } from '@oclif/core';
import { type ContextOf, type Outcome, targets } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import { PluginsCommand } from '../../cli/plugins-command.ts';
import { changeText, outcomeOf } from '../../cli/plugins-text.ts';
import type { Change } from '../../plugins/change.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class PluginsInstall extends PluginsCommand<Change[], typeof PluginsInstall> {
  static override summary = 'Install plugins, or other versions of them.';
  static override description =
    'A plugin comes from the npm registry (NAME, NAME@VERSION), from a folder or a .tgz, from an https address or a git repository. ' +
    'It is made ready beside what is installed, loaded once, and then put in its place; whatever fails, what was there stays. ' +
    'Install scripts of packages never run. As root, and in CI, only what the setting plugins.allow names is installed.';
  static override aliases = ['plugins:add'];
  static override examples = [
    '<%= config.bin %> plugins install d3-night',
    '<%= config.bin %> plugins install d3-night@^1.2',
    '<%= config.bin %> plugins install ./d3-night-1.0.0.tgz',
  ];
  static override flags = {
    ...changingFlags,
    force: Flags.boolean({ char: 'f', summary: 'Lay it down again although that very content is installed.' }),
    silent: Flags.boolean({ char: 's', summary: 'Say nothing of what is done.' }),
  };
  static override args = { plugin: targets('plugin', 'NAME[@VERSION], a path, an address or a repository.') };

  #silent = false;

  async execute(context: ContextOf<typeof PluginsInstall>): Promise<Outcome<Change[]>> {
    const { installPlugins } = await import('../../plugins/service.ts');
    const { force, silent, 'dry-run': dryRun } = context.flags;
    this.#silent = silent;
    const ports = await this.ports(context);
    return outcomeOf(await installPlugins(context.args.plugin, process.cwd(), { force, dryRun }, ports));
  }

  render(changes: Change[], terminal: Terminal): void {
    if (!this.#silent) terminal.result(changes.map(changeText).join('\n'));
  }
}
