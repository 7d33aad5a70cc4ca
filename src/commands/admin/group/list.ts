import type { Group } from '../../../admin/groups.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminGroupList extends AdminCommand<Group[], typeof AdminGroupList> {
  static override summary = 'List the groups of the depot, and standard, the group of all.';
  static override examples = ['<%= config.bin %>admin group list'];

  async execute(context: ContextOf<typeof AdminGroupList>): Promise<Outcome<Group[]>> {
    const { listGroups } = await import('../../../admin/groups.ts');
    return { result: await readingDepot(context, listGroups) };
  }

  render(groups: Group[], terminal: Terminal): void {
    terminal.table({
      title: 'Groups',
      columns: [{ header: 'Id', align: 'right' }, 'Name', 'Kind', { header: 'Members', align: 'right' }, 'Description'],
      rows: groups.map(({ id, name, kind, members, description }) => [
        kind === 'standard' ? '-' : id,
        name,
        kind,
        members.length,
        description,
      ]),
      empty: 'Groups: none',
    });
  }
}
