import type { PluginContext, QueuedEdition, Reporter } from '@d3/sdk';
import { type Consent, consent } from './consent.ts';
import { keep } from './memory.ts';
import { powerEnough } from './power.ts';
import { expectNoRestart, expectRestart, type RestartedBy, restartMachine, restartPending } from './restart.ts';
import type { Settings } from './settings.ts';
import type { Show, ShowName } from './show/port.ts';

/** What puppytime needs; handed in, so that tests hand in their own. */
export interface PuppyParts {
  ports: PluginContext;
  settings: Settings;
  openShow: () => Promise<Show>;
  /** Whether the machine is restarted when one is due. */
  reboot: boolean;
  /** Waits; the reason of the signal ends it. */
  pause: (milliseconds: number) => Promise<void>;
}

/** One that was tried in vain. */
type FailedPuppy = {
  edition: string;
  reason: string;
  attempts: number;
  /** It failed too often, and left the queue. */
  givenUp: boolean;
};

export type PuppyResult = {
  /**
   * `nothing`: nothing waits. `postponed`, `warned`, `unasked`: whoever is there decided, or was told, or could not be told.
   * `power`: there was not enough of it in time. `stopped`: somebody logged in. `done`: all were tried.
   */
  state: 'nothing' | Exclude<Consent, 'begin'> | 'power' | 'stopped' | 'done';
  installed: string[];
  failed: FailedPuppy[];
  /** Those that something of this machine stands against for now. */
  held: { edition: string; reason: string }[];
  /** What waits in the queue now. */
  queue: string[];
  /** `pending`: it is due and was not begun. */
  restart: 'none' | 'pending' | Exclude<RestartedBy, 'none'>;
  /** What showed it; null: nothing had to be shown. */
  show: ShowName | null;
};

/** What every script and policy of puppytime sees. */
const ENVIRONMENT = { D3_RUNNING_PUPPYTIME: '1' };

/** Asks, installs all that waits, one after another, and restarts the machine. What is cut goes on the next time. */
export async function puppytime(parts: PuppyParts): Promise<PuppyResult> {
  const { ports, settings } = parts;
  const queue = await ports.queue.list();
  const names = queue.map(({ edition }) => edition);
  const due = await restartPending(ports, names);
  if (queue.length === 0 && due.length === 0) {
    begunAnew(ports);
    return { ...NOTHING };
  }
  const user = await ports.session.user();
  const show = await parts.openShow();
  for (const { driver, reason } of show.failed())
    ports.ui({ type: 'detail', target: driver, text: `it shows nothing: ${reason}` });
  try {
    const agreed = await consent(user, names, settings, show, ports);
    const way = show.way();
    const restart = due.length > 0 ? ('pending' as const) : ('none' as const);
    if (agreed !== 'begin') return { ...NOTHING, state: agreed, queue: names, restart, show: way };
    return await ports.power.awake(() => new Round({ ...parts, show, user }).run(queue));
  } finally {
    await show.close();
  }
}

const NOTHING: PuppyResult = {
  state: 'nothing',
  installed: [],
  failed: [],
  held: [],
  queue: [],
  restart: 'none',
  show: null,
};

/** Who waits from now on may postpone and is warned anew. */
function begunAnew({ state }: PluginContext): void {
  keep(state, 'postponed', 0);
  keep(state, 'warned', []);
}

/** One time through the queue. */
class Round {
  readonly #parts: PuppyParts & { show: Show; user: string | null };
  readonly #result: PuppyResult = { ...NOTHING, state: 'done', installed: [], failed: [], held: [] };

  constructor(parts: PuppyParts & { show: Show; user: string | null }) {
    this.#parts = parts;
  }

  async run(queue: readonly QueuedEdition[]): Promise<PuppyResult> {
    const { ports, show } = this.#parts;
    for (const [index, entry] of queue.entries()) {
      ports.signal.throwIfAborted();
      const stop = await this.#stop(index, queue.length);
      if (stop !== null) {
        this.#result.state = stop;
        break;
      }
      await this.#install(entry, index, queue.length);
    }
    if (this.#result.state === 'done') begunAnew(ports);
    this.#result.queue = (await ports.queue.list()).map(({ edition }) => edition);
    this.#result.show = show.way();
    this.#result.restart = await this.#restart();
    return this.#result;
  }

  /** @returns why nothing more is installed now, or null */
  async #stop(done: number, total: number): Promise<'stopped' | 'power' | null> {
    const { ports, settings, show, pause } = this.#parts;
    if (await this.#somebodyCame()) return 'stopped';
    const enough = await powerEnough(ports, settings, pause, (percent) => {
      show.progress({ message: `Please plug the computer in: its battery is at ${percent} %.`, done, total });
      ports.ui({ type: 'note', target: null, text: `waiting for power: the battery is at ${percent} %` });
    });
    if (!enough) return 'power';
    // It may have taken a while.
    return (await this.#somebodyCame()) ? 'stopped' : null;
  }

  async #somebodyCame(): Promise<boolean> {
    const now = await this.#parts.ports.session.user();
    return now !== null && now !== this.#parts.user;
  }

  async #install({ basename, edition, attempts }: QueuedEdition, done: number, total: number): Promise<void> {
    const { ports, settings, show } = this.#parts;
    const { installed, failed, held } = this.#result;
    show.progress({ message: `Installing ${edition}`, done, total });
    await expectRestart(edition, ports);
    const options = { environment: ENVIRONMENT, ...(show.way() === 'terminal' ? { ui: onlyWarnings(ports.ui) } : {}) };
    const { status, text, restart } = await ports.queue.install(edition, options);
    if (status !== 'installed' || !restart) expectNoRestart(edition, ports);
    if (status === 'installed') installed.push(edition);
    else if (status === 'held') held.push({ edition, reason: text });
    else {
      const tried = attempts + 1;
      const givenUp = tried >= settings.attempts;
      failed.push({ edition, reason: text, attempts: tried, givenUp });
      if (givenUp) await ports.queue.giveUp(basename, `it failed ${tried === 1 ? 'once' : `${tried} times`}: ${text}`);
    }
  }

  async #restart(): Promise<PuppyResult['restart']> {
    const { ports, settings, show, reboot, pause } = this.#parts;
    const { queue, state } = this.#result;
    const due = await restartPending(ports, queue);
    if (due.length === 0) {
      show.over('All done.');
      return 'none';
    }
    if (!reboot || state !== 'done' || (await this.#somebodyCame())) {
      show.over('The computer has to be restarted. Please do so when it suits you.');
      return 'pending';
    }
    show.over('All done. The computer restarts now.');
    await pause(settings.show.seconds * 1000);
    const by = await restartMachine(settings.rebootPolicy, due, ports);
    return by === 'none' ? 'pending' : by;
  }
}

/** Nothing else is drawn where the show is drawn. */
function onlyWarnings(ui: Reporter): Reporter {
  return (event) => {
    if (event.type === 'warning' || event.type === 'detail') ui(event);
  };
}
