import { reason } from '../planner/reasons.ts';
import type { Receipt } from '../planner/receipt.ts';
import type { Action } from '../planner/types.ts';
import { Dropped } from './processes.ts';
import type { State } from './state/state.ts';

/**
 * A plan holds for what was there when it was made. A script of this run may have started a d3 of its own since, and that one, or
 * one it left behind, may have changed the very basename: then what was decided is dropped, and the next run decides anew.
 * @throws Dropped
 */
export function refuseStale(action: Action, basename: string, state: State): void {
  const how = changed(action, basename, state);
  if (how === null) return;
  throw new Dropped({
    reason: reason('CHANGED_MEANWHILE', { basename, how }),
    inSync: 'held',
    exit: 'refused',
    actions: ['look at what is there now and run the command again'],
  });
}

/** What is otherwise than the action was decided on, in words; null when nothing is. */
function changed(action: Action, basename: string, state: State): string | null {
  const busy = state.journal().find((entry) => entry.basename === basename);
  if (busy !== undefined && action.kind !== 'forget' && action.kind !== 'dequeue')
    return `run ${busy.run} is busy with ${basename}`;
  const now = state.receipts().find((receipt) => receipt.basename === basename) ?? null;
  if (action.kind === 'defer' || action.kind === 'dequeue') return null;
  if (action.kind === 'refresh' || action.kind === 'forget')
    return now === null || now.edition === action.edition ? null : installed(now);
  const before = action.kind === 'install' ? action.replaces : action.receipt;
  if (now === null) return before === null ? null : `${before.edition} is no longer installed`;
  if (before === null || now.id !== before.id) return installed(now);
  if ((now.frozen === null) !== (before.frozen === null))
    return now.frozen === null ? `${now.edition} was thawed` : `${now.edition} was frozen by ${now.frozen.by}`;
  return now.piloting === before.piloting ? null : installed(now);
}

function installed({ edition, piloting }: Receipt): string {
  return `${edition} is installed${piloting ? ' as a pilot' : ''}`;
}
