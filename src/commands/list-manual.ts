import { InstalledListCommand } from '../cli/installed-list.ts';

export default class ListManual extends InstalledListCommand {
  static override summary = 'List what a person installed here, as against sync.';
  static override aliases = ['lm'];
  static override examples = ['<%= config.bin %> list-manual', '<%= config.bin %> list-manual --json'];

  protected override readonly list = 'manual';
  protected override readonly heading = 'Installed by hand on this machine';
}
