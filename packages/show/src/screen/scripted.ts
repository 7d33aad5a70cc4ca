import type { Faults, Form, FormAnswer, Screen, Values, View } from './port.ts';

/** What a form is answered: by a button, with values that count beside what stands in its fields. */
export interface ScriptedAnswer {
  button?: string;
  values?: Values;
}

/** What was shown and asked, in its order. */
export type ScriptedEvent =
  | { kind: 'view'; view: View; locked: boolean }
  | { kind: 'asked'; id: string; values: Values; button: string | null; faults: Faults | null };

/**
 * Nobody's screen: answers were written down beforehand, several for what is asked several times, by the ids of forms. Where none is
 * left a form answers as it does by itself, or nobody was asked.
 */
export class ScriptedScreen implements Screen {
  readonly events: ScriptedEvent[] = [];
  readonly #answers: Map<string, ScriptedAnswer[]>;
  readonly #tell: (event: ScriptedEvent) => void;
  #closed = false;

  constructor(
    answers: Readonly<Record<string, ScriptedAnswer | readonly ScriptedAnswer[]>>,
    tell: (event: ScriptedEvent) => void = () => undefined,
  ) {
    this.#answers = new Map(
      Object.entries(answers).map(([id, given]) => [id, Array.isArray(given) ? [...given] : [given as ScriptedAnswer]]),
    );
    this.#tell = tell;
  }

  get closed(): boolean {
    return this.#closed;
  }

  way(): 'none' {
    return 'none';
  }

  failed(): [] {
    return [];
  }

  limits(): [] {
    return [];
  }

  progress(view: View): void {
    this.#note({ kind: 'view', view, locked: false });
  }

  lock(view: View): void {
    this.#note({ kind: 'view', view, locked: true });
  }

  async ask(form: Form): Promise<FormAnswer> {
    for (;;) {
      const given = this.#answers.get(form.id)?.shift();
      if (given === undefined) return this.#unanswered(form);
      const button = form.buttons.find(({ id }) => id === given.button) ?? form.buttons[0];
      if (button === undefined) return this.#unanswered(form);
      const values = {
        ...Object.fromEntries(form.fields.map(({ name, value }) => [name, value ?? ''])),
        ...given.values,
      };
      const faults = button.checks ? await faultsOf(form, values, button.id) : null;
      const secrets = form.fields.filter((field) => field.kind === 'text' && field.secret).map(({ name }) => name);
      const shown = Object.fromEntries(Object.entries(values).filter(([name]) => !secrets.includes(name)));
      this.#note({ kind: 'asked', id: form.id, values: shown, button: button.id, faults });
      if (faults === null) return { button: button.id, values, by: 'person' };
    }
  }

  async settled(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  #unanswered(form: Form): FormAnswer {
    const values = Object.fromEntries(form.fields.map(({ name, value }) => [name, value ?? '']));
    this.#note({ kind: 'asked', id: form.id, values: {}, button: form.limit?.button ?? null, faults: null });
    return form.limit === null
      ? { button: null, reasons: [`nothing was written down for "${form.id}"`] }
      : { button: form.limit.button, values, by: 'time' };
  }

  #note(event: ScriptedEvent): void {
    this.events.push(event);
    this.#tell(event);
  }
}

/** What is wrong with what was typed and chosen; null: nothing. */
export async function faultsOf(form: Form, values: Values, button: string): Promise<Faults | null> {
  const faults: Record<string, string> = {};
  for (const field of form.fields) {
    const value = values[field.name] ?? '';
    const empty = field.kind === 'text' && !field.secret ? value.trim() === '' : value === '';
    if (empty && field.required !== null) faults[field.name] = field.required;
    // No more than what is offered, whoever answers.
    if (field.kind === 'choice' && !empty && !field.options.some((option) => option.value === value))
      faults[field.name] = field.required ?? '';
  }
  if (Object.keys(faults).length > 0) return faults;
  return (await form.check?.(values, button)) ?? null;
}
