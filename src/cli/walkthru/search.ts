import type { AdminSession } from '../../admin/session.ts';
import { SHOWABLE } from '../../catalog/statuses.ts';
import { basenamesOf, groupsOf } from './names.ts';
import { type Asker, type Named, pickMany } from './pick.ts';

export interface SearchWalk {
  groups: boolean;
  patterns: string[];
  /** Empty: every status. */
  statuses: string[];
}

/** What is looked for, and among what. */
export async function walkSearch(asker: Asker, session: AdminSession): Promise<SearchWalk> {
  const groups = await asker.choose({
    question: 'Search:',
    flag: '--groups',
    options: [
      { value: false, label: 'by basename' },
      { value: true, label: 'by group: what is installed by itself, and what is excluded' },
    ],
  });
  const names = groups ? await groupsOf(session) : await basenamesOf(session);
  const pattern = await asker.text({
    question: groups ? 'Group:' : 'Basename:',
    flag: 'PATTERN',
    preset: 'all',
    details: [`A part of a name, or a regular expression. There are ${names.length}: ${some(names)}`],
  });
  return { groups, patterns: pattern === 'all' ? [] : [pattern], statuses: await walkStatuses(asker) };
}

/** @returns none for all of them */
export async function walkStatuses(asker: Asker): Promise<string[]> {
  const from = SHOWABLE.filter((status) => status !== 'all').map((name) => ({ name }));
  const details = ['Only these statuses; none picked means every one.'];
  return pickMany(asker, { question: 'Status:', flag: '-S/--status', details, from });
}

const SOME = 12;

function some(named: readonly Named[]): string {
  const names = named.map(({ name }) => name);
  return names.length > SOME ? `${names.slice(0, SOME).join(', ')}, …` : names.join(', ');
}
