import type { Form, Screen } from '@d3/show';
import { type Action, escapeForm } from '../screens/escape.ts';
import type { Look } from '../screens/forms.ts';
import type { Texts } from '../screens/texts.ts';
import { type LockFacts, lockView } from '../screens/views.ts';

/** What somebody with the code decided. */
export interface Decided {
  action: Action;
  by: string;
  why: string;
}

export interface LockParts {
  screen: Pick<Screen, 'lock' | 'settled' | 'way' | 'failed' | 'limits'>;
  texts: Texts;
  icon: string | null;
  contact: string | null;
  /** How the deployment stands; null: there is none any more, and nothing to lock for. */
  facts: () => Promise<LockFacts | null>;
  /** The newest line of the log of whatever else works on the machine. */
  logLine: () => Promise<string | null>;
  /** Whether that is the code; null: there is no code, and no way out here. */
  isCode: ((code: string) => Promise<boolean | number>) | null;
  /** What can be done from here. */
  can: readonly Action[];
  /** Does what somebody decided. */
  decide: (decided: Decided) => Promise<void>;
  /** Asks, over the lock, what this machine is; with who asked for it. */
  fill: (by: string) => Promise<void>;
  /** Says a line, to whoever reads what the lock's process says. */
  say: (line: string) => void;
  now: () => Date;
  /** Waits that many seconds, less when it is aborted. */
  pause: (seconds: number) => Promise<void>;
  /** Seconds between two looks. */
  every: number;
  signal: AbortSignal;
}

/**
 * Keeps the screen locked while a deployment goes on, and tells how it goes. It needs no server and does nothing of the deployment: it
 * may be killed and started again at any moment. What it cannot show does not stop it.
 */
export async function keepLocked(parts: LockParts): Promise<'over' | 'stopped'> {
  const told = new Set<string>();
  const tell = (line: string): void => {
    if (!told.has(line)) parts.say(line);
    told.add(line);
  };
  const form = new FillForm(parts, tell);
  for (let last: LockFacts | null = null; !parts.signal.aborted; ) {
    const facts = await read(parts, tell);
    if (facts === null) return 'over';
    last = facts === 'unread' ? last : facts;
    if (last !== null) {
      const view = lockView(last, { ...parts, logLine: await parts.logLine(), now: parts.now() });
      // While the form stands there is nothing to be let out to.
      parts.screen.lock(view, form.isOpen ? null : escapeFor(last, parts, form));
      await parts.screen.settled();
      for (const { way, reason } of parts.screen.failed()) tell(`${way} shows nothing: ${reason}`);
      for (const limit of parts.screen.limits()) tell(limit);
      tell(`shown by: ${parts.screen.way()}`);
    }
    await parts.pause(parts.every);
  }
  return 'stopped';
}

/** The form that is filled in over the lock. The lock goes on under it, and takes it away when it is over meanwhile. */
class FillForm {
  readonly #parts: Pick<LockParts, 'fill'>;
  readonly #tell: (line: string) => void;
  #isOpen = false;

  constructor(parts: Pick<LockParts, 'fill'>, tell: (line: string) => void) {
    this.#parts = parts;
    this.#tell = tell;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(by: string): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    void this.#filled(by);
  }

  async #filled(by: string): Promise<void> {
    try {
      await this.#parts.fill(by);
    } catch (error) {
      this.#tell(`what this machine is could not be filled in: ${(error as Error).message}`);
    } finally {
      this.#isOpen = false;
    }
  }
}

/** What cannot be read now is no reason to let anybody in. */
async function read({ facts }: LockParts, tell: (line: string) => void): Promise<LockFacts | null | 'unread'> {
  try {
    return await facts();
  } catch (error) {
    tell(`how the deployment stands cannot be read: ${(error as Error).message}`);
    return 'unread';
  }
}

function escapeFor(facts: LockFacts, parts: LockParts, fill: FillForm): { label: string; form: Form } | null {
  const { texts, icon, isCode, can } = parts;
  const actions = actionsFor(facts).filter((action) => can.includes(action));
  if (isCode === null || actions.length === 0) return null;
  const look: Look = { texts, icon, seconds: 0 };
  const form = escapeForm(look, { actions, isCode });
  return {
    label: texts['escape.button'],
    form: { ...form, check: (values, button) => check(form, { parts, fill }, values, button) },
  };
}

/** What was decided is done before the form is taken: what goes wrong is said on it. */
async function check(
  form: Form,
  { parts, fill }: { parts: LockParts; fill: FillForm },
  values: Readonly<Record<string, string>>,
  button: string,
) {
  const faults = (await form.check?.(values, button)) ?? null;
  if (faults !== null) return faults;
  const { what = '', who = '', why = '' } = values;
  parts.say(`${who} has the code and decides: ${what} (${why})`);
  if (what === 'fill') fill.open(who);
  else await parts.decide({ action: what as Action, by: who, why });
  return null;
}

/** One that waits for information can be told it; one that failed can be tried again. Either can be let go. */
export function actionsFor({ run, hold }: Pick<LockFacts, 'run' | 'hold'>): readonly Action[] {
  if (hold !== null) return ['fill', 'release'];
  if (run.state === 'holding' || run.state === 'failed') return ['retry', 'skip', 'release'];
  return ['release'];
}
