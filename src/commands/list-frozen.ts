import { InstalledListCommand } from '../cli/installed-list.ts';

export default class ListFrozen extends InstalledListCommand {
  static override summary = 'List what sync leaves alone because it is frozen.';
  static override aliases = ['lf'];
  static override examples = ['<%= config.bin %> list-frozen', '<%= config.bin %> list-frozen --json'];

  protected override readonly list = 'frozen';
  protected override readonly heading = 'Frozen on this machine';
}
