import type { Group } from '../admin/groups.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** A group and its members as a table. */
export function showGroup({ id, name, description, members }: Group, terminal: Terminal): void {
  terminal.table({
    title: `${name} (id ${id})${description === '' ? '' : `: ${description}`}`,
    columns: ['Computer', 'Id'],
    rows: members.map((member) => [member.name ?? '(not reported yet)', member.id]),
    empty: `${name} (id ${id}): no members`,
  });
}
