import type { CatalogIndex } from '../catalog/resolve.ts';
import { SELF } from './availability.ts';
import { nothing, refused } from './decide.ts';
import { decideDequeue } from './deferral.ts';
import { reason } from './reasons.ts';
import { decideDepilot, decideInstall, decideRecord, decideUninstall } from './requested.ts';
import { decideSync } from './sync.ts';
import type { Decision, Facts, Plan, Request } from './types.ts';

/**
 * What will be done, and why. Pure and synchronous: the same facts and catalog give the same plan, and nothing else decides.
 * Several targets are decided in their order; once something is decided for a basename, another edition of it is refused.
 * d3 itself comes last: whatever goes wrong with it, the rest is done.
 */
export function plan(request: Request, facts: Facts, index: CatalogIndex): Plan {
  const decisions =
    request.kind === 'sync' ? decideSync(request, facts, index) : eachTarget(named(request, facts), facts, index);
  return { schema: 'd3/plan@1', run: facts.run, decisions: selfLast(decisions), warnings: deletedGroups(index) };
}

function selfLast(decisions: readonly Decision[]): Decision[] {
  const isOfSelf = ({ basename, action }: Decision) => basename === SELF && action !== null;
  return [...decisions.filter((one) => !isOfSelf(one)), ...decisions.filter(isOfSelf)];
}

/** `all`, of `d3 dequeue`, names everything that waits; what else is named stays. */
function named(request: Exclude<Request, { kind: 'sync' }>, { deferred }: Facts): Exclude<Request, { kind: 'sync' }> {
  if (request.kind !== 'dequeue' || !request.targets.includes('all')) return request;
  const waiting = deferred.map(({ edition }) => edition.basename);
  return { ...request, targets: [...new Set(request.targets.flatMap((word) => (word === 'all' ? waiting : [word])))] };
}

function eachTarget(request: Exclude<Request, { kind: 'sync' }>, facts: Facts, index: CatalogIndex): Decision[] {
  const seen = new Map<string, string | null>();
  return request.targets.map((target) => {
    const decision = decide(target, request, facts, index);
    const { basename } = decision;
    if (basename === null) return decision;
    const subject = { target, basename, edition: decision.edition };
    const before = seen.get(basename);
    if (before !== undefined) {
      const twice = reason('NAMED_TWICE', { basename });
      if (before === decision.edition) return nothing(subject, [twice]);
      return refused(subject, [], twice, 'refused', ['name one of its editions']);
    }
    if (facts.inProgress.includes(basename)) {
      return refused(subject, [], reason('IN_PROGRESS', { basename }), 'refused', []);
    }
    if (facts.interrupted.includes(basename) && !RECORD_ONLY.includes(request.kind)) {
      return refused(subject, [], reason('INTERRUPTED', { basename }), 'failed', [
        'finish it first: d3 sync',
        `or give it up, leaving its files as they are: d3 forget ${basename}`,
      ]);
    }
    if (decision.problem === null) seen.set(basename, decision.edition);
    return decision;
  });
}

/** Requests that need nothing of what was cut to be finished first. */
const RECORD_ONLY: readonly Request['kind'][] = ['forget', 'dequeue'];

function decide(
  target: string,
  request: Exclude<Request, { kind: 'sync' }>,
  facts: Facts,
  index: CatalogIndex,
): Decision {
  switch (request.kind) {
    case 'install':
    case 'pilot':
      return decideInstall(target, request, facts, index);
    case 'uninstall':
      return decideUninstall(target, request.force, facts);
    case 'depilot':
      return decideDepilot(target, request, facts, index);
    case 'dequeue':
      return decideDequeue(target, request, facts);
    default:
      return decideRecord(target, request, facts);
  }
}

/** A deleted group scopes nothing any more; it is said and stops nothing. */
function deletedGroups(index: CatalogIndex): string[] {
  const warnings = new Set<string>();
  for (const edition of index.live) {
    for (const group of [...edition.autoGroups, ...edition.excludedGroups]) {
      if (group !== 'standard' && index.groupName(group) === undefined) {
        warnings.add(
          `${edition.edition} names group ${group}, which no longer exists: d3admin edit ${edition.edition}`,
        );
      }
    }
  }
  return [...warnings];
}
