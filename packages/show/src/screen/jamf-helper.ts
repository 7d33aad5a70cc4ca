import { HELPER_CODES, helperCameUp, JAMF_HELPER } from '../jamf-helper.ts';
import { canRun, type Running, start } from '../programs.ts';
import { oneLine } from '../text.ts';
import { WorkFolder } from '../work-folder.ts';
import { iconFile } from './icon.ts';
import type { Scene, ScreenWindow, Stage, Way } from './way.ts';
import { linesOf, viewLines } from './words.ts';

/**
 * Jamf's own helper, where only that is there. It shows a text and at most two buttons, cannot be changed while it runs, and asks
 * for nothing else.
 */
export const jamfHelperWay: Way = {
  name: 'jamfHelper',
  unfit(scene) {
    if (scene.kind === 'view') return null;
    if (scene.form.fields.length > 0)
      return `${JAMF_HELPER} has buttons only: it cannot ask for a text, a choice or a secret`;
    return scene.form.buttons.length > 2 ? `${JAMF_HELPER} has two buttons at most` : null;
  },
  limits(scene) {
    if (scene.kind === 'form') return [];
    return [
      ...(scene.escape === null ? [] : [`${JAMF_HELPER} takes no code: the lock is left from elsewhere only`]),
      ...(scene.view.steps.length > 0 ? [`${JAMF_HELPER} has no list of steps: it names the one under way`] : []),
    ];
  },
  async open(stage, scene) {
    const { platform, programs, session } = stage;
    if (platform !== 'darwin') throw new Error(`${JAMF_HELPER} is for Macs`);
    if (session.kind === 'none') throw new Error(session.reason);
    if (!canRun(programs.jamfHelper)) throw new Error(`${JAMF_HELPER} is not installed`);
    const window = new HelperWindow(stage);
    try {
      await window.show(scene);
      return window;
    } catch (error) {
      await window.close();
      throw error;
    }
  },
};

class HelperWindow implements ScreenWindow {
  readonly lost: Promise<string>;
  readonly #stage: Stage;
  readonly #folder: WorkFolder;
  #lose: (reason: string) => void = () => undefined;
  #run: Running | null = null;
  #shown = '';

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#folder = new WorkFolder(stage.place, null);
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  async show(scene: Scene): Promise<void> {
    const icon = await iconFile(scene.kind === 'view' ? scene.view.icon : scene.form.icon, this.#folder);
    const words = [...wordsFor(scene, this.#stage), '-icon', icon];
    const state = JSON.stringify([words, scene.kind === 'form' ? scene.id : '']);
    if (state === this.#shown) return;
    const before = this.#run;
    // The new one stands before the old one goes, so that nobody sees what is behind.
    const run = await start(this.#stage.programs.jamfHelper, words);
    this.#run = run;
    this.#shown = state;
    void this.#watch(run, scene);
    await helperCameUp(run);
    await before?.end();
  }

  async close(): Promise<void> {
    const run = this.#run;
    this.#run = null;
    await run?.end();
    this.#folder.remove();
  }

  async #watch(run: Running, scene: Scene): Promise<void> {
    const code = await run.ended;
    if (this.#run !== run) return;
    if (scene.kind === 'view') return this.#lose(`${JAMF_HELPER} ended (exit code ${code ?? 'none'})`);
    const { buttons, limit } = scene.form;
    // Its time is up: it says the same as for its first button. Who asked keeps the time, and knows.
    if (scene.until !== null && limit !== null && this.#stage.now() >= scene.until - SLACK) return;
    const pressed = code === HELPER_CODES.first ? buttons[0] : code === HELPER_CODES.second ? buttons[1] : undefined;
    if (pressed !== undefined) await this.#stage.answer(scene.id, pressed.id, {});
    else if (code === null) this.#lose(`${JAMF_HELPER} was ended`);
    else this.#stage.closed(scene.id);
  }
}

/** Milliseconds by which its own count may be ahead. */
const SLACK = 1500;

function wordsFor(scene: Scene, { session, now }: Stage): string[] {
  if (scene.kind === 'view') {
    const { view, locked } = scene;
    return [
      '-startlaunchd',
      '-windowType',
      locked || session.kind === 'login' ? 'fs' : 'hud',
      ...(locked || session.kind === 'login' ? [] : ['-lockHUD']),
      '-title',
      oneLine(view.title),
      '-heading',
      oneLine(view.title),
      '-alignHeading',
      'center',
      '-description',
      viewLines(view).join('\n'),
      '-alignDescription',
      'center',
    ];
  }
  const { form, until } = scene;
  const [first, second] = form.buttons;
  const byItself = form.limit === null ? 1 : form.buttons.findIndex(({ id }) => id === form.limit?.button) + 1;
  return [
    '-startlaunchd',
    '-windowType',
    'utility',
    '-lockHUD',
    '-title',
    oneLine(form.title),
    '-heading',
    oneLine(form.title),
    '-description',
    linesOf(scene).join('\n'),
    ...(first === undefined ? [] : ['-button1', oneLine(first.label)]),
    ...(second === undefined ? [] : ['-button2', oneLine(second.label)]),
    '-defaultButton',
    String(Math.max(1, byItself)),
    ...(until === null
      ? []
      : [
          '-timeout',
          String(Math.max(1, Math.ceil((until - now()) / 1000))),
          '-countdown',
          '-alignCountdown',
          'center',
        ]),
  ];
}
