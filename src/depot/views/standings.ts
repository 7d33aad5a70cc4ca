import { type Standing, type StandingInput, standingOf } from '../../catalog/standing.ts';
import type { Edition, GroupRef } from '../../catalog/types.ts';
import type { GroupBody } from '../contract.ts';
import type { Fleet } from '../fleet.ts';
import type { InstalledSomewhere, ProblemSomewhere, QueuedSomewhere, StoredDocument } from '../store/contract.ts';
import type { SpreadComputer } from './answers.ts';

/** What computers reported of some basenames. */
export interface Had {
  installed: InstalledSomewhere[];
  queued: QueuedSomewhere[];
  problems: ProblemSomewhere[];
}

/** How every computer that it concerns stands to an edition. */
export function standings(
  edition: Edition,
  fleet: Fleet,
  groups: readonly StoredDocument<GroupBody>[],
  had: Had,
): SpreadComputer[] {
  const receipts = new Map(had.installed.map((row) => [row.computer.id, row]));
  const queues = new Map(had.queued.map((row) => [row.computer.id, row]));
  const problems = new Map(had.problems.map((row) => [row.computer.id, row]));
  const groupsOf = membership(edition, groups, fleet);
  return fleet.computers.flatMap((computer) => {
    const { id, shownName: name, lastContact } = computer;
    const receipt = receipts.get(id) ?? null;
    const queued = queues.get(id) ?? null;
    const problem = problems.get(id) ?? null;
    const standing = standingOf({ edition, computer, receipt, queued, problem, ...groupsOf(id) });
    if (standing === null) return [];
    return [
      {
        ...standing,
        id,
        name,
        lastContact,
        has: receipt?.edition ?? null,
        since: began(standing, receipt, queued, problem),
      },
    ];
  });
}

function began(
  { state }: Standing,
  receipt: { installedAt: string } | null,
  queued: { queuedAt: string } | null,
  problem: { since: string } | null,
): string | null {
  if (state === 'installed') return receipt?.installedAt ?? null;
  if (state === 'restart') return queued?.queuedAt ?? null;
  return state === 'failed' || state === 'blocked' ? (problem?.since ?? null) : null;
}

/** Tells which of an edition's groups a computer is in; each group is asked once. */
function membership(
  { autoGroups, excludedGroups }: Pick<Edition, 'autoGroups' | 'excludedGroups'>,
  groups: readonly StoredDocument<GroupBody>[],
  fleet: Fleet,
): (id: string) => Pick<StandingInput, 'autoGroups' | 'excludedGroups'> {
  const members = new Map(
    groups
      .filter(({ id }) => autoGroups.includes(id) || excludedGroups.includes(id))
      .map((group) => [group.id, { name: group.name, ids: new Set(fleet.members(group.body)) }]),
  );
  const here = (refs: readonly GroupRef[], id: string) =>
    refs.flatMap((ref) => {
      if (ref === 'standard') return ['standard'];
      const group = members.get(ref);
      return group?.ids.has(id) === true ? [group.name] : [];
    });
  return (id) => ({ autoGroups: here(autoGroups, id), excludedGroups: here(excludedGroups, id) });
}

export function groupName(group: GroupRef, groups: readonly StoredDocument<GroupBody>[]): string {
  if (group === 'standard') return 'standard';
  return groups.find(({ id }) => id === group)?.name ?? `deleted group ${group}`;
}

/** What needs somebody comes first. */
const URGENCY = ['failed', 'blocked', 'pending', 'restart', 'held', 'unfit', 'installed'];
export function urgency({ state }: Standing): number {
  return URGENCY.indexOf(state);
}
