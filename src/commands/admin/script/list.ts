import type { StoredScript } from '../../../admin/scripts.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { day } from '../../../cli/table-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminScriptList extends AdminCommand<StoredScript[], typeof AdminScriptList> {
  static override summary = 'List the scripts of the depot.';
  static override examples = ['<%= config.bin %>admin script list'];

  async execute(context: ContextOf<typeof AdminScriptList>): Promise<Outcome<StoredScript[]>> {
    const { listScripts } = await import('../../../admin/scripts.ts');
    return { result: await readingDepot(context, listScripts) };
  }

  render(scripts: StoredScript[], terminal: Terminal): void {
    terminal.table({
      title: 'Scripts',
      columns: [{ header: 'Id', align: 'right' }, 'Name', 'Changed', 'By', 'SHA-256'],
      rows: scripts.map(({ id, name, changedAt, changedBy, body }) => [
        id,
        name,
        day(changedAt),
        changedBy,
        body.sha256.slice(0, 12),
      ]),
      empty: 'Scripts: none',
    });
  }
}
