import type { Ea } from '../../../admin/eas.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminEaList extends AdminCommand<Ea[], typeof AdminEaList> {
  static override summary = 'List the extension attributes of the depot.';
  static override examples = ['<%= config.bin %>admin ea list'];

  async execute(context: ContextOf<typeof AdminEaList>): Promise<Outcome<Ea[]>> {
    const { listEas } = await import('../../../admin/eas.ts');
    return { result: await readingDepot(context, listEas) };
  }

  render(eas: Ea[], terminal: Terminal): void {
    terminal.table({
      title: 'Extension attributes',
      columns: [{ header: 'Id', align: 'right' }, 'Name', 'Type', { header: 'Values', align: 'right' }, 'Description'],
      rows: eas.map(({ id, name, type, values, description }) => [id, name, type, values.length, description]),
      empty: 'Extension attributes: none',
    });
  }
}
