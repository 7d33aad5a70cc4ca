import type { StoredPolicy } from '../../../admin/policies.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { day } from '../../../cli/table-text.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminPolicyList extends AdminCommand<StoredPolicy[], typeof AdminPolicyList> {
  static override summary = 'List the policies of the depot.';
  static override examples = ['<%= config.bin %>admin policy list'];

  async execute(context: ContextOf<typeof AdminPolicyList>): Promise<Outcome<StoredPolicy[]>> {
    const { listPolicies } = await import('../../../admin/policies.ts');
    return { result: await readingDepot(context, listPolicies) };
  }

  render(policies: StoredPolicy[], terminal: Terminal): void {
    terminal.table({
      title: 'Policies',
      columns: [{ header: 'Id', align: 'right' }, 'Name', 'Events', 'How often', 'Steps', 'Changed', 'By'],
      rows: policies.map(({ id, name, body, changedAt, changedBy }) => [
        id,
        name,
        body.events.join(', '),
        body.frequency,
        body.steps.map(({ kind }) => kind).join(', '),
        day(changedAt),
        changedBy,
      ]),
      empty: 'Policies: none',
    });
  }
}
