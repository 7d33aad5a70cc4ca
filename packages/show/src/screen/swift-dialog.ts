import type { ShowPrograms } from '../places.ts';
import { canRun, type Running, sleep, start } from '../programs.ts';
import { asLine, asMessage, CommandFile, DIALOG_BUTTONS, DIALOG_SEEN, SWIFT_DIALOG } from '../swift-dialog.ts';
import { WorkFolder } from '../work-folder.ts';
import { iconFile } from './icon.ts';
import type { Field, Form, StepState, Values, View } from './port.ts';
import type { FormScene, Scene, ScreenWindow, Stage, ViewScene, Way } from './way.ts';
import { countdownOf, linesOf, textLines } from './words.ts';

/** The first one that shows at the login window. */
const FOR_LOGIN = [2, 5] as const;
/** More options than these are searched, not looked through. */
const SEARCHED = 12;
/** A key nobody can type: there is no shortcut that ends a lock. */
const NO_KEY = '\ue000';
const STATES: Readonly<Record<StepState, string>> = {
  waiting: 'pending',
  running: 'wait',
  done: 'success',
  failed: 'fail',
  skipped: 'error',
};

/**
 * swiftDialog. What is asked lies in a file of the window's own folder, never on a command line; what is answered comes back through
 * a pipe. What is shown is changed through a command file, so nothing flickers.
 */
export const swiftDialogWay: Way = {
  name: 'swiftDialog',
  unfit: (scene) =>
    scene.kind === 'form' && scene.form.buttons.length > 3 ? `${SWIFT_DIALOG} has three buttons at most` : null,
  limits: () => [],
  async open(stage, scene) {
    const { session, platform, programs } = stage;
    if (platform !== 'darwin') throw new Error(`${SWIFT_DIALOG} is for Macs`);
    if (session.kind === 'none') throw new Error(session.reason);
    if (!canRun(programs.dialog)) throw new Error(`${SWIFT_DIALOG} is not installed`);
    if (session.kind === 'login') await requireForLogin(programs, stage.timing.up);
    const window = new DialogWindow(stage);
    try {
      await window.show(scene);
      return window;
    } catch (error) {
      await window.close();
      throw error;
    }
  },
};

/** @throws Error for a version that cannot show at the login window */
async function requireForLogin({ dialog }: ShowPrograms, up: number): Promise<void> {
  const run = await start(dialog, ['--version'], { heard: true });
  await Promise.race([run.ended, sleep(up)]);
  if (run.running) await run.end();
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(run.printed.trim()) ?? [];
  if (major === undefined) throw new Error(`${SWIFT_DIALOG} does not say which version it is`);
  const [first, second] = FOR_LOGIN;
  if (Number(major) > first || (Number(major) === first && Number(minor) >= second)) return;
  throw new Error(`${SWIFT_DIALOG} ${major}.${minor} cannot show at the login window; ${first}.${second} can`);
}

class DialogWindow implements ScreenWindow {
  readonly lost: Promise<string>;
  readonly #stage: Stage;
  readonly #folder: WorkFolder;
  readonly #commands: CommandFile;
  #lose: (reason: string) => void = () => undefined;
  #run: Running | null = null;
  #scene: Scene | null = null;
  #told: readonly string[] = [];
  #files = 0;
  #counter: NodeJS.Timeout | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#folder = new WorkFolder(stage.place, stage.session.kind === 'user' ? stage.session : null);
    this.#commands = new CommandFile(this.#folder);
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  async show(scene: Scene): Promise<void> {
    const before = this.#scene;
    if (before !== null && this.#run?.running) {
      if (scene.kind === 'form' && before.kind === 'form' && scene.id === before.id) return;
      if (scene.kind === 'view' && before.kind === 'view' && shapeOf(scene) === shapeOf(before)) {
        this.#scene = scene;
        return this.#change(scene.view);
      }
    }
    await this.#begin(scene);
  }

  async close(): Promise<void> {
    clearInterval(this.#counter);
    const run = this.#run;
    this.#run = null;
    await run?.end();
    this.#folder.remove();
  }

  /** Only what is another: what it has been told it shows. */
  async #change(view: View): Promise<void> {
    const all = commandsFor(view);
    const news = all.filter((line) => !this.#told.includes(line));
    this.#told = all;
    if (news.length > 0) await this.#commands.tell(news);
  }

  async #begin(scene: Scene): Promise<void> {
    const { programs, session, timing } = this.#stage;
    const before = this.#run;
    const icon = await iconFile(scene.kind === 'view' ? scene.view.icon : scene.form.icon, this.#folder);
    const said = scene.kind === 'view' ? viewFile(scene, icon) : formFile(scene, icon, this.#stage.now());
    this.#files += 1;
    const file = await this.#folder.put(`show-${this.#files}.json`, JSON.stringify(said));
    const words = [
      '--jsonfile',
      file,
      '--commandfile',
      await this.#commands.fresh(),
      '--json',
      '--ontop',
      '--blurscreen',
      // It goes when we go, however we go.
      '--pid',
      String(process.pid),
      ...(session.kind === 'login' ? ['--loginwindow'] : []),
    ];
    // The new one stands before the old one goes, so that nobody sees what is behind.
    const run = await start(programs.dialog, words, { heard: scene.kind === 'form' });
    this.#run = run;
    this.#scene = scene;
    void this.#watch(run, scene);
    await this.#commands.cameUp(run, timing.up);
    clearInterval(this.#counter);
    if (scene.kind === 'view') {
      this.#told = [];
      await this.#change(scene.view);
    } else if (scene.until !== null) {
      this.#counter = setInterval(() => {
        this.#commands.tell([`infotext: ${asLine(countdownOf(scene, this.#stage.now()))}`]).catch(() => undefined);
      }, 1000);
    }
    await before?.end();
  }

  async #watch(run: Running, scene: Scene): Promise<void> {
    const code = await run.ended;
    if (this.#run !== run) return;
    clearInterval(this.#counter);
    if (code === null || !DIALOG_SEEN.includes(code))
      return this.#lose(`${SWIFT_DIALOG} ended (exit code ${code ?? 'none'})`);
    if (scene.kind === 'view') {
      if (code !== DIALOG_BUTTONS.first || scene.escape === null)
        return this.#lose(`${SWIFT_DIALOG} was closed (exit code ${code})`);
      return this.#stage.escape();
    }
    const [first, second, third] = scene.form.buttons;
    const pressed = new Map<number, typeof first>([
      [DIALOG_BUTTONS.first, first],
      [DIALOG_BUTTONS.second, second],
      [DIALOG_BUTTONS.info, third],
    ]).get(code);
    if (pressed === undefined) return this.#stage.closed(scene.id);
    await this.#stage.answer(scene.id, pressed.id, answersOf(scene.form, run.printed));
  }
}

/** Views that differ in this are other windows; else one window is changed. */
function shapeOf({ view, locked, escape }: ViewScene): string {
  return JSON.stringify([
    view.title,
    view.icon,
    view.steps.map(({ name }) => name),
    locked,
    escape,
    view.facts.length > 0,
  ]);
}

function viewFile({ view, locked, escape }: ViewScene, icon: string): object {
  return {
    title: asLine(view.title),
    message: messageOf(textLines(view.message)),
    messagealignment: 'centre',
    icon,
    big: true,
    progress: 100,
    progresstext: asLine(view.newest),
    ...(view.facts.length === 0 ? {} : { infobox: factsOf(view) }),
    ...(view.steps.length === 0
      ? {}
      : {
          listitem: view.steps.map(({ name, state, note }) => ({
            title: asLine(name),
            status: STATES[state],
            statustext: statusText(note),
          })),
        }),
    button1text: escape === null ? 'none' : asLine(escape),
    ...(escape === null ? { button1disabled: true } : {}),
    hidedefaultkeyboardaction: true,
    ...(locked ? { quitkey: NO_KEY } : {}),
  };
}

/** The lines that make the window show this. */
function commandsFor(view: View): string[] {
  const share = view.bar !== null && view.bar.total > 0 ? Math.round((100 * view.bar.done) / view.bar.total) : null;
  return [
    `message: ${messageOf(textLines(view.message))}`,
    share === null ? 'progress: reset' : share >= 100 ? 'progress: complete' : `progress: ${Math.max(1, share)}`,
    `progresstext: ${asLine(view.newest)}`,
    ...(view.facts.length === 0 ? [] : [`infobox: ${factsOf(view)}`]),
    ...view.steps.map(
      ({ state, note }, index) =>
        `listitem: index: ${index}, status: ${STATES[state]}, statustext: ${statusText(note)}`,
    ),
  ];
}

function factsOf({ facts }: View): string {
  return facts.map(({ label, value }) => `**${asMessage(label)}**<br>${asMessage(value)}`).join('<br><br>');
}

/** A comma would end it. */
function statusText(note = ''): string {
  return asLine(note).replaceAll(',', '\u201a');
}

function messageOf(lines: readonly string[]): string {
  return lines.map((line) => (line === '' ? '' : asMessage(line))).join('<br>');
}

function formFile(scene: FormScene, icon: string, now: number): object {
  const { form, values } = scene;
  const [first, second, third] = form.buttons;
  const texts = form.fields.filter((field) => field.kind === 'text');
  const choices = form.fields.filter((field) => field.kind === 'choice');
  return {
    title: asLine(form.title),
    message: messageOf(linesOf(scene)),
    icon,
    ...(texts.length === 0
      ? {}
      : {
          textfield: texts.map(({ name, label, secret }) => ({
            title: asLine(label),
            name,
            secure: secret,
            ...(secret ? {} : { value: values[name] ?? '' }),
          })),
        }),
    ...(choices.length === 0
      ? {}
      : {
          selectitems: choices.map(({ name, label, options }) => {
            const chosen = options.find(({ value }) => value === values[name]);
            return {
              title: asLine(label),
              name,
              values: options.map((option) => optionLabel(option.label)),
              ...(chosen === undefined ? {} : { default: optionLabel(chosen.label) }),
              ...(options.length > SEARCHED ? { style: 'searchable' } : {}),
            };
          }),
        }),
    button1text: first === undefined ? 'none' : asLine(first.label),
    ...(second === undefined ? {} : { button2text: asLine(second.label) }),
    ...(third === undefined ? {} : { infobuttontext: asLine(third.label), quitoninfo: true }),
    ...(form.limit === null ? {} : { infotext: asLine(countdownOf(scene, now)) }),
    // Return presses the first button: not by chance, where something else is what happens by itself.
    ...(form.limit !== null && form.limit.button !== first?.id ? { hidedefaultkeyboardaction: true } : {}),
    quitkey: NO_KEY,
  };
}

/** Three hyphens would be a line between options. */
function optionLabel(label: string): string {
  const line = asLine(label);
  return line.startsWith('---') ? `\u200b${line}` : line;
}

/** What it printed, as values of the form. It prints answers for its first button only. */
function answersOf(form: Form, printed: string): Values {
  let said: Record<string, unknown> = {};
  try {
    const found: unknown = JSON.parse(printed.slice(printed.indexOf('{'), printed.lastIndexOf('}') + 1));
    if (typeof found === 'object' && found !== null) said = found as Record<string, unknown>;
  } catch {
    // Nothing was answered, or nothing that can be read: the form is asked again where it needs an answer.
  }
  return Object.fromEntries(form.fields.map((field) => [field.name, answerOf(field, said)]));
}

function answerOf(field: Field, said: Readonly<Record<string, unknown>>): string {
  const found = said[field.name] ?? said[asLine(field.label)];
  if (field.kind === 'text') return typeof found === 'string' ? found : '';
  const { selectedValue, selectedIndex } = (typeof found === 'object' && found !== null ? found : {}) as Record<
    string,
    unknown
  >;
  const label = selectedValue ?? (typeof found === 'string' ? found : said['SelectedOption']);
  const named = field.options.filter((option) => optionLabel(option.label) === label);
  if (named.length === 1) return named[0]?.value as string;
  // Two that are called the same: its number tells which.
  const at = field.options[Number(selectedIndex ?? said['SelectedIndex'] ?? -1)];
  return named.length > 1 && at !== undefined && named.includes(at) ? at.value : '';
}
