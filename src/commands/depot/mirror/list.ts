import type { Mirror } from '../../../admin/mirrors.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotMirrorList extends AdminCommand<Mirror[], typeof DepotMirrorList> {
  static override summary = 'List the other places that have the package files.';
  static override examples = ['<%= config.bin %> depot mirror list'];

  async execute(context: ContextOf<typeof DepotMirrorList>): Promise<Outcome<Mirror[]>> {
    const { listMirrors } = await import('../../../admin/mirrors.ts');
    return { result: await readingDepot(context, listMirrors) };
  }

  render(mirrors: Mirror[], terminal: Terminal): void {
    terminal.table({
      title: 'Mirrors',
      columns: [{ header: 'Priority', align: 'right' }, 'Address', 'Networks'],
      rows: mirrors.map(({ url, networks, priority }) => [
        priority,
        url,
        networks.length === 0 ? 'all' : networks.join(', '),
      ]),
      empty: 'Mirrors: none',
    });
  }
}
