import { D3Error } from '@d3/sdk';
import type { RunQueue } from '../depot/index.ts';
import { Guard } from '../platform/guard.ts';
import { pause } from '../platform/pause.ts';
import { isHeld } from '../runs/engine.ts';
import type { Run } from '../runs/types.ts';
import { type Advancing, type DepotRuns, depotRuns } from './runs.ts';
import type { AdminSession } from './session.ts';

export interface WorkerOptions {
  /** How many runs at the same time. */
  abreast: number;
  /** Milliseconds a lease lasts: so long after this process was lost another one goes on. */
  lease: number;
  /** Milliseconds between two looks at the store. */
  look: number;
  /** End when nothing is left that could be advanced. */
  once: boolean;
  /** Null: the store is in the depot's folder, and is asked itself. */
  queue: RunQueue | null;
}

/** What a worker did. */
export interface Worked {
  /** Times a run was taken up. */
  taken: number;
}

/** Milliseconds between two tries while the depot cannot be reached. */
const AWAY = 2000;
/** Milliseconds a script that is asked to end has at most. */
const GRACE = 5000;

/**
 * A lease is renewed when half of it is left. Within that half a worker must know that it cannot be, and its script must have
 * ended: by then somebody else may begin the step. Asking, asking for another connection, asking again and ending the script
 * each have a tenth.
 */
export function shareOf(lease: number): number {
  return Math.floor(lease / 10);
}

/**
 * Advances the depot's runs until it is stopped. A run that cannot be advanced here, or that somebody else advances, is passed
 * over; a depot that cannot be reached is waited for.
 */
export async function workOnRuns(session: AdminSession, options: WorkerOptions): Promise<Worked> {
  const { signal } = session;
  const guard = new Guard(Math.min(GRACE, shareOf(options.lease)));
  const worker = new Worker(session, options, { lease: options.lease, guard });
  try {
    await worker.work();
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    await worker.ended();
    guard.close();
  }
  return { taken: worker.taken };
}

class Worker {
  taken = 0;
  readonly #session: AdminSession;
  readonly #options: WorkerOptions;
  readonly #advancing: Advancing;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(session: AdminSession, options: WorkerOptions, advancing: Advancing) {
    this.#session = session;
    this.#options = options;
    this.#advancing = advancing;
  }

  async work(): Promise<void> {
    const { signal } = this.#session;
    const { queue, abreast, look, once } = this.#options;
    await queue?.take((id) => this.#advance(id), abreast);
    for (;;) {
      signal.throwIfAborted();
      try {
        const open = await this.#look();
        if (once && open === 0) return;
        await pause(once ? Math.min(look, 500) : look, signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#tell(null, error);
        if (!isAway(error)) throw error;
        await pause(AWAY, signal);
      }
    }
  }

  async ended(): Promise<void> {
    await this.#options.queue?.close();
    await Promise.all(this.#underWay.values());
  }

  /** Sees to it that what can go on does. @returns how many there are of those, and of those that go on here */
  async #look(): Promise<number> {
    const { queue, abreast } = this.#options;
    const runs = await depotRuns(this.#session, this.#advancing);
    const ready = (await runs.open()).filter((run) => isReady(run, runs));
    if (queue !== null) {
      await queue.offer(ready.filter(({ id }) => !this.#underWay.has(id)).map(({ id }) => id));
      return ready.length + this.#underWay.size;
    }
    for (const { id } of ready) {
      if (this.#underWay.size >= abreast) break;
      if (!this.#underWay.has(id)) void this.#advance(id);
    }
    return ready.length + this.#underWay.size;
  }

  #advance(id: string): Promise<void> {
    const already = this.#underWay.get(id);
    if (already !== undefined) return already;
    const going = this.#advanced(id).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, going);
    return going;
  }

  /** Whatever becomes of it is in the record, and no other run suffers. */
  async #advanced(id: string): Promise<void> {
    const { report, signal } = this.#session;
    if (signal.aborted) return;
    try {
      const runs = await depotRuns(this.#session, this.#advancing);
      this.taken += 1;
      const { state, text, origin } = await runs.advance(id);
      report({ type: 'note', target: id, text: `${origin.name}: ${state}${text === '' ? '' : `: ${text}`}` });
    } catch (error) {
      const passedOver = error instanceof D3Error && (error.code === 'RUN_HELD' || error.code === 'RUN_NOT_FOUND');
      if (!signal.aborted && !passedOver) this.#tell(id, error);
    }
  }

  #tell(target: string | null, error: unknown): void {
    this.#session.report({ type: 'warning', target: target ?? 'runs', text: (error as Error).message });
  }
}

/** One that holds is for a person, one that waits goes on elsewhere, and one with a lease is somebody's. */
function isReady(run: Run, { deciding }: DepotRuns): boolean {
  return run.state === 'running' && !isHeld(run, deciding);
}

function isAway(error: unknown): boolean {
  return error instanceof D3Error && (error.exit === 'depotUnreachable' || error.exit === 'busy');
}
