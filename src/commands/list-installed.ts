import { InstalledListCommand } from '../cli/installed-list.ts';

export default class ListInstalled extends InstalledListCommand {
  static override summary = 'List what is installed here.';
  static override aliases = ['li'];
  static override examples = ['<%= config.bin %> list-installed', '<%= config.bin %> list-installed --json'];

  protected override readonly list = 'installed';
  protected override readonly heading = 'Installed on this machine';
}
