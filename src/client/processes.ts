import type { Obstacle } from '../planner/availability.ts';
import { processObstacle, prohibitedBy, whichRun } from '../planner/processes.ts';
import { gatherProcesses, processesAreSaid } from '../platform/machine.ts';
import { askToQuit, type ProcessNames } from '../platform/processes.ts';
import type { ActingContext } from './context.ts';
import type { JournalledAction } from './state/state.ts';

/** What runs on the machine while a run acts on it. */
export interface ProcessesHere {
  running(): Promise<ProcessNames>;
  /** Asks processes to end, and gives them a while. */
  askToQuit(names: readonly string[], signal: AbortSignal): Promise<void>;
}

/** @param factsFile facts.json of a root folder, or null; what it says stands for no process of this host */
export function processesHere(factsFile: string | null): ProcessesHere {
  return {
    running: () => gatherProcesses(factsFile),
    askToQuit: async (names, signal) => {
      if (!processesAreSaid(factsFile)) await askToQuit(names, signal);
    },
  };
}

/** A planned action that is not carried out because of something that came up since. */
export class Dropped extends Error {
  readonly obstacle: Obstacle;

  constructor(obstacle: Obstacle) {
    super(obstacle.reason.text);
    this.obstacle = obstacle;
  }
}

/**
 * Looks once more, just before anything changes: a prohibiting process may have been started since the plan was made.
 * @throws Dropped
 */
export async function refuseRunning(action: JournalledAction, context: ActingContext): Promise<void> {
  const names = action.force ? [] : prohibitedBy(action);
  if (names.length === 0) return;
  const { processes, quitProcesses, state, clock, signal, report } = context;
  const look = async () => whichRun(names, await processes.running());
  let running = await look();
  const { basename, edition } = action.kind === 'install' ? action.edition : action.receipt;
  if (running.length > 0 && quitProcesses === 'ask') {
    report({ type: 'note', target: edition, text: `asking ${running.join(', ')} to quit` });
    await processes.askToQuit(running, signal);
    running = await look();
  }
  if (running.length === 0) return;
  const at = clock.now().toISOString();
  const since = state.waits().find((wait) => wait.basename === basename)?.since ?? at;
  throw new Dropped(processObstacle(running, since, at));
}
