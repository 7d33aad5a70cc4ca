import { oneLine } from '../text.ts';
import type { Field, FormButton, StepState, Values } from './port.ts';
import type { FormScene, Scene, ScreenWindow, Stage, ViewScene, Way } from './way.ts';
import { countdownOf, linesOf, textLines } from './words.ts';

interface Asked {
  question: string;
  flag: string;
  details?: readonly string[];
  /** Asked no longer once it is aborted. */
  signal?: AbortSignal;
}

/** Somebody at a terminal, as a plugin's command has them (the SDK's `Questions`). */
export interface Typist {
  text(question: Asked & { preset?: string | undefined }): Promise<string>;
  secret(question: Asked): Promise<string>;
  choose<Value>(
    choice: Asked & { options: readonly { value: Value; label: string; note?: string }[]; preset?: Value },
  ): Promise<Value>;
}

export interface Teletype {
  typist: Typist;
  /** Says a line. */
  say: (line: string) => void;
  /** The flag that keeps commands from asking. */
  flag: string;
}

const MARKS: Readonly<Record<StepState, string>> = {
  waiting: 'waiting',
  running: 'running',
  done: 'done',
  failed: 'FAILED',
  skipped: 'skipped',
};
/** What is typed alone in place of a text for the button before it. */
const BACK = '<';

/** The terminal a command was started in, over ssh as well. It asks one thing after the other, and locks nothing. */
export function terminalWay(teletype: Teletype | null): Way {
  return {
    name: 'terminal',
    unfit: () => null,
    limits: (scene) =>
      scene.kind === 'view' && scene.locked ? ['a terminal is no lock: whoever is at the screen can use it'] : [],
    async open(stage, scene) {
      if (teletype === null) throw new Error('nobody watches a terminal');
      const window = new TerminalWindow(teletype, stage);
      await window.show(scene);
      return window;
    },
  };
}

class TerminalWindow implements ScreenWindow {
  /** A terminal that goes away takes the command with it. */
  readonly lost: Promise<string>;
  readonly #teletype: Teletype;
  readonly #stage: Stage;
  #said = new Set<string>();
  #asking: { id: string; stop: AbortController } | null = null;
  #lose: (reason: string) => void = () => undefined;

  constructor(teletype: Teletype, stage: Stage) {
    this.#teletype = teletype;
    this.#stage = stage;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  async show(scene: Scene): Promise<void> {
    if (scene.kind === 'form') {
      if (this.#asking?.id === scene.id) return;
      this.#stop();
      const stop = new AbortController();
      this.#asking = { id: scene.id, stop };
      void this.#ask(scene, stop.signal);
      return;
    }
    this.#stop();
    this.#tell(scene);
  }

  async close(): Promise<void> {
    this.#stop();
  }

  #stop(): void {
    this.#asking?.stop.abort();
    this.#asking = null;
  }

  /** Only what has not been said: what is past stands above. */
  #tell({ view }: ViewScene): void {
    const lines = [
      oneLine(view.title),
      ...textLines(view.message).filter((line) => line !== ''),
      ...view.facts.map(({ label, value }) => `${oneLine(label)}: ${oneLine(value)}`),
      ...view.steps
        .filter(({ state }) => state !== 'waiting')
        .map(({ name, state, note }) =>
          oneLine(`${name}: ${MARKS[state]}${note === undefined || note === '' ? '' : ` (${note})`}`),
        ),
      ...(view.newest === '' ? [] : [oneLine(view.newest, 400)]),
    ];
    for (const line of lines) if (!this.#said.has(line)) this.#teletype.say(line);
    this.#said = new Set(lines);
  }

  async #ask(scene: FormScene, signal: AbortSignal): Promise<void> {
    try {
      await this.#fill(scene, signal);
    } catch (error) {
      if (!signal.aborted) this.#lose((error as Error).message);
    }
  }

  async #fill(scene: FormScene, signal: AbortSignal): Promise<void> {
    const { form, id } = scene;
    const countdown = countdownOf(scene, this.#stage.now());
    const details = [oneLine(form.title), ...linesOf(scene), ...(countdown === '' ? [] : [countdown])];
    const [main, ...others] = form.buttons as [FormButton, ...FormButton[]];
    const values: Record<string, string> = { ...scene.values };
    const press = async (button: FormButton): Promise<void> => {
      await this.#stage.answer(id, button.id, values);
    };
    if (form.fields.length === 0) {
      const { typist, flag } = this.#teletype;
      const preset = form.limit?.button ?? main.id;
      const options = form.buttons.map((button) => ({ value: button.id, label: oneLine(button.label) }));
      const chosen = await typist.choose({ question: 'What now?', flag, details, options, preset, signal });
      return press(form.buttons.find((button) => button.id === chosen) as FormButton);
    }
    for (const [index, field] of form.fields.entries()) {
      const said = await this.#field(field, values, others, index === 0 ? details : [], signal);
      if (typeof said !== 'string') return press(said);
      values[field.name] = said;
    }
    return press(main);
  }

  /** @returns what was typed or chosen, or the button that was pressed instead */
  async #field(
    field: Field,
    values: Values,
    others: readonly FormButton[],
    details: readonly string[],
    signal: AbortSignal,
  ): Promise<string | FormButton> {
    const { typist, flag } = this.#teletype;
    const question = oneLine(field.label);
    if (field.kind === 'choice') {
      const options = [
        ...field.options.map(({ value, label }) => ({ value: value as string | FormButton, label: oneLine(label) })),
        ...others.map((button) => ({ value: button as string | FormButton, label: `(${oneLine(button.label)})` })),
      ];
      const preset = values[field.name];
      return typist.choose({ question, flag, details, options, signal, ...(preset ? { preset } : {}) });
    }
    const ways = others.map((button, at) => `${BACK.repeat(at + 1)} alone: ${oneLine(button.label)}`);
    const asked = { question, flag, details: [...details, ...ways], signal };
    const said = field.secret
      ? await typist.secret(asked)
      : await typist.text({ ...asked, preset: values[field.name] || undefined });
    return others.find((_, at) => said === BACK.repeat(at + 1)) ?? said;
  }
}
