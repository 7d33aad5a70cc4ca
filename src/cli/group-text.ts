import type { Group } from '../admin/groups.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fields, listed } from './table-text.ts';

/** A group with all that is known of it, and its members. */
export function showGroup(group: Group, terminal: Terminal): void {
  const { id, name, kind, description, criteria, usedBy } = group;
  terminal.result(
    fields([
      ['Name', name],
      ...(kind === 'standard' ? [] : [['Id', String(id)] as const]),
      ['Kind', KINDS[kind]],
      ...(criteria === null ? [] : [['Criteria', criteria] as const]),
      ['Description', description === '' ? 'none' : description],
      ['Used by', listed(usedBy)],
    ]),
  );
  showMembers(group, terminal);
}

const KINDS: Readonly<Record<Group['kind'], string>> = {
  static: 'a list of computers',
  smart: 'smart',
  standard: 'every machine',
};

/** The members of a group as a table. */
export function showMembers({ name, kind, members }: Group, terminal: Terminal): void {
  terminal.table({
    title: kind === 'smart' ? `Members of ${name}, by their last reports` : `Members of ${name}`,
    columns: ['Computer', 'Id'],
    rows: members.map((member) => [member.name ?? '(not reported yet)', member.id]),
    empty: `Members of ${name}: none`,
  });
}
