import { D3Error } from '@d3/sdk';
import type { RunQueue } from '../depot/index.ts';
import { Guard } from '../platform/guard.ts';
import { pause } from '../platform/pause.ts';
import { type Advancing, type DepotRuns, depotRuns } from './runs.ts';
import type { AdminSession } from './session.ts';

export interface WorkerOptions {
  /** How many runs at the same time. */
  abreast: number;
  /** Milliseconds a lease lasts: so long after this process was lost another one goes on. */
  lease: number;
  /** Milliseconds between two looks at the store. */
  look: number;
  /** End when nothing is left that could be advanced; with a family: when its first is over, holds or goes on elsewhere. */
  once: boolean;
  /** Only a run, and those that belong to it; left out: all. */
  family?: string;
  /** Null: the store is in the depot's folder, and is asked itself. */
  queue: RunQueue | null;
}

/** What a worker did. */
export interface Worked {
  /** Times a run was taken up. */
  taken: number;
}

/** Runs that are offered to all workers at one look. */
const OFFERED = 1000;
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

/** Milliseconds for which what runs are advanced with is taken for what it is: kinds of steps, and how far the clocks are apart. */
const FRESH = 60_000;

class Worker {
  taken = 0;
  readonly #session: AdminSession;
  readonly #options: WorkerOptions;
  readonly #advancing: Advancing;
  readonly #underWay = new Map<string, Promise<void>>();
  #runs: { at: number; runs: DepotRuns } | null = null;
  /** Aborted when there may be something to do before the next look. */
  #woken = new AbortController();

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
        this.#woken = new AbortController();
        if ((await this.#look()) && once) return;
        await this.#wait(once ? Math.min(look, 500) : look);
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

  async #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#session;
    await pause(milliseconds, AbortSignal.any([signal, this.#woken.signal])).catch(() => signal.throwIfAborted());
  }

  /** Sees to it that what can go on does. @returns whether there is nothing more to do */
  async #look(): Promise<boolean> {
    const { queue, abreast, family } = this.#options;
    const { store } = await this.#with();
    const room = queue === null ? abreast : OFFERED;
    const wanted = { limit: room + this.#underWay.size, ...(family === undefined ? {} : { family }) };
    const ready = (await store.ready(wanted)).filter((id) => !this.#underWay.has(id));
    if (queue !== null) await queue.offer(ready);
    else for (const id of ready.slice(0, Math.max(0, abreast - this.#underWay.size))) void this.#advance(id);
    if (family !== undefined) return this.#underWay.size === 0 && (await store.get(family))?.state !== 'running';
    return ready.length + this.#underWay.size === 0;
  }

  async #with(): Promise<DepotRuns> {
    const now = this.#session.clock.now().getTime();
    if (this.#runs === null || Math.abs(now - this.#runs.at) > FRESH)
      this.#runs = { at: now, runs: await depotRuns(this.#session, this.#advancing) };
    return this.#runs.runs;
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
      const runs = await this.#with();
      this.taken += 1;
      const { state, text, origin } = await runs.advance(id);
      if (origin.kind !== 'deployment')
        report({ type: 'note', target: id, text: `${origin.name}: ${state}${text === '' ? '' : `: ${text}`}` });
      // What it did may have made others ready.
      this.#woken.abort();
    } catch (error) {
      const passedOver = error instanceof D3Error && (error.code === 'RUN_HELD' || error.code === 'RUN_NOT_FOUND');
      if (!signal.aborted && !passedOver) this.#tell(id, error);
    }
  }

  #tell(target: string | null, error: unknown): void {
    this.#session.report({ type: 'warning', target: target ?? 'runs', text: (error as Error).message });
  }
}

function isAway(error: unknown): boolean {
  return error instanceof D3Error && (error.exit === 'depotUnreachable' || error.exit === 'busy');
}
