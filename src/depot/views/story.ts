import { type Standing, standingOf } from '../../catalog/standing.ts';
import type { Edition, GroupRef } from '../../catalog/types.ts';
import type { GroupBody } from '../contract.ts';
import type { Fleet, FleetComputer } from '../fleet.ts';
import type { InstalledSomewhere, ProblemSomewhere, QueuedSomewhere, StoredDocument } from '../store/contract.ts';
import type { StoryRow } from './answers.ts';
import { compare } from './order.ts';
import type { Had } from './standings.ts';

/** Each basename a computer has to do with, by name. */
export function storyRows(
  computer: FleetComputer,
  editions: readonly Edition[],
  fleet: Fleet,
  groups: readonly StoredDocument<GroupBody>[],
  had: Had,
): StoryRow[] {
  const receipts = new Map(had.installed.map((row) => [row.basename, row]));
  const queues = new Map(had.queued.map((row) => [row.basename, row]));
  const problems = new Map(had.problems.map((row) => [row.subject, row]));
  const live = new Map(editions.flatMap((edition) => (edition.status === 'live' ? [[edition.basename, edition]] : [])));
  const byId = new Map(editions.map((edition) => [edition.id, edition]));
  const here = (refs: readonly GroupRef[]) =>
    refs.flatMap((ref) => {
      if (ref === 'standard') return ['standard'];
      const group = groups.find(({ id }) => id === ref);
      return group !== undefined && fleet.isIn(group.body, computer) ? [group.name] : [];
    });
  const basenames = new Set([...receipts.keys(), ...queues.keys(), ...problems.keys(), ...live.keys()]);
  return [...basenames].toSorted(compare).flatMap((basename) => {
    const receipt = receipts.get(basename) ?? null;
    const queued = queues.get(basename) ?? null;
    const problem = problems.get(basename) ?? null;
    const goal = live.get(basename) ?? null;
    const edition = goal ?? byId.get(receipt?.id ?? queued?.id ?? 0) ?? null;
    const groupsHere =
      edition === null
        ? { autoGroups: [], excludedGroups: [] }
        : { autoGroups: here(edition.autoGroups), excludedGroups: here(edition.excludedGroups) };
    const standing =
      edition === null ? null : standingOf({ edition, computer, receipt, queued, problem, ...groupsHere });
    if (receipt === null && queued === null && problem === null && standing === null) return [];
    return [
      {
        basename,
        standing,
        because: becauseOf({ receipt, queued, problem, goal, standing, ...groupsHere }),
        live: goal === null ? null : { id: goal.id, edition: goal.edition },
        receipt:
          receipt === null
            ? null
            : {
                id: receipt.id,
                edition: receipt.edition,
                status: receipt.status,
                piloting: receipt.piloting,
                frozen: receipt.frozen,
                admin: receipt.admin,
                installedAt: receipt.installedAt,
                attention: receipt.attention ?? null,
              },
        queued: queued === null ? null : { id: queued.id, edition: queued.edition, queuedAt: queued.queuedAt },
        problem:
          problem === null
            ? null
            : {
                edition: problem.edition,
                status: problem.status,
                reason: problem.reason,
                since: problem.since,
                at: problem.at,
              },
      },
    ];
  });
}

interface Because {
  receipt: InstalledSomewhere | null;
  queued: QueuedSomewhere | null;
  problem: ProblemSomewhere | null;
  goal: Edition | null;
  standing: Standing | null;
  autoGroups: readonly string[];
}

/** The chain of reasons a depot can give; `d3 explain` on the machine has the whole of it. */
function becauseOf({ receipt, queued, problem, goal, standing, autoGroups }: Because): string[] {
  const said: string[] = [];
  if (receipt !== null) {
    const { edition, piloting, frozen, admin, freeze, status, goneSince } = receipt;
    said.push(`${edition} was installed by ${admin}${piloting ? ' as a pilot' : ''}; it is ${status} now`);
    if (frozen) said.push(`frozen${freeze === undefined ? '' : ` by ${freeze.by}`}: sync leaves it as it is`);
    if (goneSince !== undefined) said.push('its edition is no longer in the depot');
  }
  if (goal === null) said.push('no edition of it is live: sync changes nothing');
  else if (receipt === null) {
    if (autoGroups.length > 0) said.push(`${goal.edition} is auto-installed on ${autoGroups.join(', ')}`);
    else said.push(`${goal.edition} is live and comes only by name`);
  } else if (receipt.id !== goal.id) {
    said.push(
      `${goal.edition} is live and ${goal.id > receipt.id ? 'newer' : 'older: a rollback'}${receipt.piloting && goal.id > receipt.id ? '; a pilot stays unless sync.pilots says update' : ''}`,
    );
  }
  if (queued !== null) said.push(`${queued.edition} was queued by ${queued.admin} and waits for a restart`);
  if (problem !== null) said.push(`${problem.status}: ${problem.reason ?? 'no reason was reported'}`);
  else if (standing !== null && standing.state !== 'installed' && standing.state !== 'restart')
    said.push(standing.reason);
  return said;
}
