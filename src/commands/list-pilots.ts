import { InstalledListCommand } from '../cli/installed-list.ts';

export default class ListPilots extends InstalledListCommand {
  static override summary = 'List what is piloted here.';
  static override aliases = ['lp'];
  static override examples = ['<%= config.bin %> list-pilots', '<%= config.bin %> list-pilots --json'];

  protected override readonly list = 'pilots';
  protected override readonly heading = 'Piloted on this machine';
}
