import { D3Error, type PluginContext } from '@d3/sdk';
import type { CommandContext } from '@d3/sdk/command';
import { type Screen, ScreenTaken } from '@d3/show';
import { advance } from './advance.ts';
import { answersFrom } from './asking/answers.ts';
import { lookOf, type Prompted, promptHere } from './asking/here.ts';
import { keeperFor } from './asking/keeper.ts';
import { consoleNow } from './asking/presence.ts';
import { arm, type BeginRequest, begin } from './begin.ts';
import { companionFiles } from './companion.ts';
import type { Parts } from './parts.ts';
import { paused } from './paused.ts';
import { waitUntilReady } from './readiness.ts';
import { type Console, isAsked } from './rules/start.ts';
import { haveShown, screenHere, teletypeOf } from './screen-here.ts';
import { restartNotice } from './screens/forms.ts';

/** What a new machine goes through before it restarts: it is armed, whoever is there is asked what it is, and told that it restarts. */

export interface SetUp {
  request: BeginRequest;
  parts: Parts;
  ports: PluginContext;
  context: CommandContext;
  /** File of answers that were written down; null: whoever is there is asked. */
  answers: string | null;
  /** Seconds it waits at most until the machine is enrolled and the depot answers; it restarts then. Null: it is, or that comes later. */
  wait: number | null;
}

/** What came of the questions. */
export type AskedThere = {
  state: Prompted['state'] | 'nobody';
  written: Prompted['written'];
  reasons: readonly string[];
};

/**
 * It is armed before anybody is asked: a cut in the middle of a question leaves a machine that goes on, and holds. What is said of it
 * may come from elsewhere, later: no trouble with the questions ends this.
 * @returns null where there was nothing to ask: it only patches, or is past that
 */
export async function setUp(how: SetUp): Promise<AskedThere | null> {
  const { request, parts, ports, context, answers, wait } = how;
  const screen = new LateScreen(how);
  // Answers that cannot be used are said before anything is begun.
  if (answers !== null) answersFrom(answers);
  const { run } = await begin(request, parts);
  const deployment = parts.memory.of(run.id);
  const isEarly = run.cursor === 0 && run.state === 'running' && !run.isAdvanced;
  const there = await consoleNow(ports.root, await ports.session.user());
  const isAlone = there === 'nobody' && !context.canAsk;
  try {
    if (wait !== null) {
      // Whoever comes by meanwhile finds it locked.
      if (isAlone) await arm(parts, { run: false, lock: true });
      await readyWithin(how, wait);
      ports.signal.throwIfAborted();
    }
    const asked =
      deployment.mode === 'deploy' && deployment.snapshot === null && isEarly
        ? await askedThere(how, there, screen)
        : null;
    if (asked?.state === 'unanswered' && parts.settings.promptUnanswered === 'continue')
      parts.memory.change(run.id, () => ({ goesOn: true }));
    // What goes on with it is there: this is not begun at the next start once more, beside that.
    if (wait !== null) await ports.triggers.remove(companionFiles(''), { dryRun: false, leaveRunning: true });
    if (!isEarly) return asked;
    const isStep = run.steps.find(({ kind }) => kind !== 'provision-quiet')?.kind === 'reboot';
    const restarts = (isStep || wait !== null) && (await ports.system.updating()) === null;
    if (restarts && !isAlone) await tellRestart(how, screen);
    // Who is told to stop does not restart the machine.
    ports.signal.throwIfAborted();
    if (restarts && !isStep) await ports.power.restart();
    if (restarts && isStep) await advance(parts, { stays: false, by: request.by });
    // It goes on at once, or waits until the system is updated. A lock that takes the place of whoever sits there waits for the next start.
    if (!restarts) await arm(parts, { run: true, lock: isAlone || process.platform === 'darwin' });
    return asked;
  } finally {
    await screen.close();
  }
}

/** No longer than it may: what is laid down goes on waiting, and says so. */
async function readyWithin({ parts, ports }: SetUp, seconds: number): Promise<void> {
  const say = (text: string) => ports.ui({ type: 'note', target: null, text });
  const now = () => performance.now() / 1000;
  const pause = (long: number) => paused(long, ports.signal);
  const still = await waitUntilReady({ parts, seconds, say, now, pause });
  if (still !== null) say('it goes on all the same: the deployment waits as well');
}

async function askedThere(how: SetUp, there: Console, screen: LateScreen): Promise<AskedThere> {
  const { parts, ports, context, answers } = how;
  const { settings } = parts;
  const nobody = (...reasons: string[]): AskedThere => ({ state: 'nobody', written: 'nothing', reasons });
  if (answers === null) {
    if (settings.prompt === 'never') return nobody('nobody is asked at machines: provision.prompt is never');
    if (!context.canAsk && !isAsked(settings.prompt, there)) return nobody('nobody is at the screen');
  }
  try {
    // A machine the depot never heard of has no record that could be written.
    await ports.machine.report();
    const { buildAttribute } = settings;
    const stored = settings.storedAccount === 'yes';
    const keeper = await keeperFor({ ports, context, buildAttribute, word: null, stored });
    if (keeper.warning !== null) ports.ui({ type: 'warning', target: null, text: keeper.warning });
    const { state, written, reasons } = await promptHere({ keeper, ports, settings, screen });
    return { state, written, reasons };
  } catch (error) {
    if (error instanceof ScreenTaken) return nobody(error.message);
    // What is said of a machine can be said from elsewhere; a setting that is wrong, and a bug, is said.
    if (!(error instanceof D3Error) || error.exit === 'usage' || error.exit === 'bug') throw error;
    return nobody(error.message);
  }
}

/** It restarts when the time is up, whatever is done, and at once where nothing shows it. */
async function tellRestart({ parts: { settings }, ports }: SetUp, screen: LateScreen): Promise<void> {
  if (settings.restartNotice === 0) return;
  try {
    await screen.ask(restartNotice(lookOf(settings), settings.restartNotice));
  } catch (error) {
    if (!(error instanceof ScreenTaken)) throw error;
    ports.ui({ type: 'note', target: null, text: `nobody is told that it restarts: ${error.message}` });
  }
}

/** The screen, taken when something is first asked. */
class LateScreen implements Pick<Screen, 'ask' | 'way' | 'close'> {
  readonly #how: SetUp;
  #opened: Pick<Screen, 'way'> | null = null;
  #screen: Promise<Pick<Screen, 'ask' | 'way' | 'close'>> | null = null;

  constructor(how: SetUp) {
    this.#how = how;
  }

  async ask(form: Parameters<Screen['ask']>[0]): ReturnType<Screen['ask']> {
    this.#screen ??= this.#open();
    const opened = await this.#screen;
    this.#opened = opened;
    return opened.ask(form);
  }

  way(): ReturnType<Screen['way']> {
    return this.#opened?.way() ?? 'none';
  }

  async close(): Promise<void> {
    const screen = await this.#screen?.catch(() => null);
    await screen?.close();
  }

  async #open(): Promise<Pick<Screen, 'ask' | 'way' | 'close'>> {
    const { answers, ports, parts, context } = this.#how;
    if (answers !== null) return answersFrom(answers);
    const { show } = parts.settings;
    await haveShown(parts);
    return screenHere({ ports, show, teletype: teletypeOf(context, ports.signal), at: null });
  }
}
