import type { ChoiceField, Fact, Form, FormButton, TextField } from '@d3/show';
import { about, type TextKey, type Texts } from './texts.ts';

/** What all screens of a deployment have: their texts, an image, and how long a question stands open. */
export interface Look {
  texts: Texts;
  /** Absolute path of an image; null: d3's own. */
  icon: string | null;
  /** Seconds a question stands open before it answers itself. */
  seconds: number;
}

/** Seconds. */
const WELCOME = 5;
const ALERT = 90;

const button = (id: string, label: string, checks = false): FormButton => ({ id, label, checks });

function screen({ texts, icon }: Look, id: string, rest: Partial<Form> & { title: string; text: string }): Form {
  const buttons = rest.buttons ?? [button('ok', texts['welcome.button'])];
  return { id, icon, facts: [], fields: [], limit: null, closed: null, ...rest, buttons };
}

/** It goes on by itself, whatever is done. */
export function welcome(look: Look): Form {
  const { texts } = look;
  return screen(look, 'welcome', {
    title: texts['welcome.title'],
    text: texts['welcome.text'],
    buttons: [button('ok', texts['welcome.button'])],
    limit: { seconds: WELCOME, button: 'ok', countdown: texts['welcome.countdown'] },
    closed: 'ok',
  });
}

/** @param check what is wrong with a name itself; whether it is taken is looked at when it was confirmed */
export function confirmName(look: Look, name: string, check: (name: string) => string | null): Form {
  const { texts, seconds } = look;
  const field: TextField = {
    kind: 'text',
    name: 'name',
    label: texts['name.label'],
    value: name,
    secret: false,
    required: texts['name.blank'],
  };
  return screen(look, 'name', {
    title: texts['name.title'],
    text: texts['name.text'],
    fields: [field],
    buttons: [button('set', texts['name.button'], true)],
    limit: { seconds, button: UNANSWERED, countdown: texts.countdown },
    check: async (values) => {
      const fault = check(values['name'] ?? '');
      return fault === null ? null : { name: fault };
    },
  });
}

/** What a question answers itself that has no button for that: nobody was there. */
export const UNANSWERED = 'unanswered';

export function nameExists(look: Look, name: string): Form {
  const { texts } = look;
  return alert(
    look,
    'name-exists',
    ['exists.title', 'exists.text'],
    name,
    [button('ok', texts['exists.button'])],
    'ok',
  );
}

export function nameUnchecked(look: Look, name: string): Form {
  const { texts } = look;
  const buttons = [button('again', texts['unchecked.again']), button('accept', texts['unchecked.accept'])];
  return alert(look, 'name-unchecked', ['unchecked.title', 'unchecked.text'], name, buttons, 'again');
}

export function summary(look: Look, facts: readonly Fact[]): Form {
  const { texts, seconds } = look;
  return screen(look, 'summary', {
    title: texts['summary.title'],
    text: texts['summary.text'],
    facts,
    buttons: [button('continue', texts['summary.continue']), button('change', texts['summary.change'])],
    limit: { seconds, button: 'continue', countdown: texts.countdown },
  });
}

/** @param missing labels */
export function incomplete(look: Look, facts: readonly Fact[], missing: readonly string[]): Form {
  const { texts } = look;
  return screen(look, 'incomplete', {
    title: texts['incomplete.title'],
    text: texts['incomplete.text'],
    facts: [...facts, { label: texts['incomplete.missing'], value: missing.join(', ') }],
    buttons: [button('configure', texts['incomplete.configure']), button('skip', texts.skip)],
    limit: { seconds: ALERT, button: 'configure', countdown: texts.countdown },
  });
}

export interface Choosing {
  key: string;
  label: string;
  /** What is chosen at first. */
  value: string | null;
  required: boolean;
  /** Whether there is a question before it. */
  back: boolean;
}

/**
 * One of what the server has.
 * @param options an empty list is said, and nothing can be chosen; null: it has no list, so that something is typed
 */
export function choose(look: Look, choosing: Choosing, options: Options): Form {
  const { key, label, required, back } = choosing;
  const { texts, seconds } = look;
  const nothing = options !== null && options.length === 0;
  return screen(look, key, {
    title: label,
    text: nothing ? texts['choice.empty'] : texts['choice.text'],
    fields: nothing ? [] : [choiceField(look, choosing, options, 'value')],
    buttons: [
      // What is there cannot be chosen where there is nothing; what need not be said is left empty.
      ...(nothing && required ? [] : [button('ok', texts['choice.button'], true)]),
      ...(back ? [button('back', texts.back)] : []),
      button('skip', texts.skip),
    ],
    limit: { seconds, button: UNANSWERED, countdown: texts.countdown },
  });
}

/** All that is asked on one form, for what shows a form as a whole. */
export function chooseAll(look: Look, asked: readonly { choosing: Choosing; options: Options }[]): Form {
  const { texts, seconds } = look;
  return screen(look, 'details', {
    title: texts['details.title'],
    text: texts['choice.text'],
    fields: asked.map(({ choosing, options }) => choiceField(look, choosing, options, choosing.key)),
    buttons: [button('ok', texts['choice.button'], true), button('skip', texts.skip)],
    limit: { seconds, button: UNANSWERED, countdown: texts.countdown },
  });
}

/** What there is to choose from; null: something is typed. */
export type Options = ChoiceField['options'] | null;

function choiceField(
  { texts }: Look,
  { label, value, required }: Choosing,
  options: Options,
  name: string,
): TextField | ChoiceField {
  if (options !== null)
    return { kind: 'choice', name, label, value, options, required: required ? texts['choice.none'] : null };
  const needed = required ? texts['choice.typed'] : null;
  return { kind: 'text', name, label, value: value ?? '', secret: false, required: needed };
}

/** The list of choices cannot be had now. */
export function choicesUnread(look: Look, label: string, why: string): Form {
  const { texts } = look;
  const buttons = [button('again', texts['refused.again']), button('skip', texts.skip)];
  return {
    ...alert(look, 'choices-unread', ['incomplete.title', 'choice.unread'], why, buttons, 'again'),
    title: label,
  };
}

/** What an account is: a name and a password, a name and a token of a depot that is served, or a name alone, for a history. */
export type AccountKind = 'password' | 'token' | 'name';

export function credentials(look: Look, user: string, kind: AccountKind = 'password'): Form {
  const { texts, seconds } = look;
  const field = (name: string, label: string, value: string, secret: boolean): TextField => ({
    kind: 'text',
    name,
    label,
    value,
    secret,
    required: texts['credentials.blank'],
  });
  return screen(look, 'credentials', {
    title: texts['credentials.title'],
    text: texts[kind === 'name' ? 'credentials.who' : 'credentials.text'],
    fields: [
      field('user', texts['credentials.user'], user, false),
      ...(kind === 'name' ? [] : [field('password', texts[`credentials.${kind}`], '', true)]),
    ],
    buttons: [button('ok', texts['credentials.button'], true), button('skip', texts.skip)],
    limit: { seconds, button: 'skip', countdown: texts.countdown },
  });
}

export function credentialsRefused(look: Look): Form {
  const buttons = [button('again', look.texts['refused.again']), button('skip', look.texts.skip)];
  return alert(look, 'credentials-refused', ['refused.title', 'refused.text'], '', buttons, 'again');
}

export function unwritten(look: Look, why: string): Form {
  const buttons = [button('again', look.texts['refused.again']), button('skip', look.texts.skip)];
  return alert(look, 'unwritten', ['unwritten.title', 'unwritten.text'], why, buttons, 'skip');
}

/** @param seconds until it restarts, whatever is done */
export function restartNotice(look: Look, seconds: number): Form {
  const { texts } = look;
  return screen(look, 'restart', {
    title: texts['restart.title'],
    text: texts['restart.text'],
    buttons: [button('restart', texts['restart.button'])],
    limit: { seconds: Math.max(1, seconds), button: 'restart', countdown: texts['restart.countdown'] },
  });
}

function alert(
  look: Look,
  id: string,
  [title, text]: readonly [TextKey, TextKey],
  what: string,
  buttons: readonly FormButton[],
  byItself: string,
): Form {
  const { texts } = look;
  return screen(look, id, {
    title: texts[title],
    text: about(texts[text], what),
    buttons,
    limit: { seconds: ALERT, button: byItself, countdown: texts.countdown },
    closed: byItself,
  });
}
