import { D3Error, type PluginContext } from '@d3/sdk';
import type { CommandContext } from '@d3/sdk/command';
import { type Screen, ScreenTaken } from '@d3/show';
import { advance } from './advance.ts';
import { answersFrom } from './asking/answers.ts';
import { lookOf, type Prompted, promptHere } from './asking/here.ts';
import { keeperFor } from './asking/keeper.ts';
import { consoleNow } from './asking/presence.ts';
import { type BeginRequest, begin } from './begin.ts';
import type { Parts } from './parts.ts';
import { type Console, isAsked } from './rules/start.ts';
import { screenHere, teletypeOf } from './screen-here.ts';
import { restartNotice } from './screens/forms.ts';

/** What a new machine goes through before it restarts: it is armed, whoever is there is asked what it is, and told that it restarts. */

export interface SetUp {
  request: BeginRequest;
  parts: Parts;
  ports: PluginContext;
  context: CommandContext;
  /** File of answers that were written down; null: whoever is there is asked. */
  answers: string | null;
}

/** What came of the questions. */
export interface AskedThere {
  state: Prompted['state'] | 'nobody';
  written: Prompted['written'];
  reasons: readonly string[];
}

/**
 * It is armed before anybody is asked: a cut in the middle of a question leaves a machine that goes on, and holds. What is said of it
 * may come from elsewhere, later: no trouble with the questions ends this.
 * @returns null where there was nothing to ask: it only patches, or is past that
 */
export async function setUp(how: SetUp): Promise<AskedThere | null> {
  const { request, parts, ports, context, answers } = how;
  const screen = new LateScreen(how);
  // Answers that cannot be used are said before anything is begun.
  if (answers !== null) answersFrom(answers);
  const { run } = await begin(request, parts);
  const deployment = parts.memory.of(run.id);
  const isEarly = run.cursor === 0 && run.state === 'running' && !run.isAdvanced;
  const there = await consoleNow(ports.root, await ports.session.user());
  try {
    const asked =
      deployment.mode === 'deploy' && deployment.snapshot === null && isEarly
        ? await askedThere(how, there, screen)
        : null;
    if (isEarly && run.steps[0]?.kind === 'reboot') {
      if (there !== 'nobody' || context.canAsk) await tellRestart(how, screen);
      await advance(parts, { stays: false, by: request.by });
    }
    return asked;
  } finally {
    await screen.close();
  }
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
    return screenHere({ ports, show: parts.settings.show, teletype: teletypeOf(context), at: null });
  }
}
