import type { Form } from '@d3/show';
import type { Look } from './forms.ts';
import { about } from './texts.ts';

/** What may be done about a locked machine by whoever has its code. */
export type Action = 'fill' | 'retry' | 'skip' | 'release';

/** Seconds the form stands open; then the lock is back. */
const OPEN = 120;

export interface EscapeParts {
  /** What can be done now. */
  actions: readonly Action[];
  /** Whether that is the code; a number: seconds until another one is looked at. */
  isCode: (code: string) => Promise<boolean | number>;
}

/** The one way out of the lock: the code, what is to be done, who does it and why. */
export function escapeForm({ texts, icon }: Look, { actions, isCode }: EscapeParts): Form {
  const text = (name: string, label: string, secret = false) =>
    ({ kind: 'text', name, label, value: '', secret, required: texts['escape.needed'] }) as const;
  return {
    id: 'escape',
    title: texts['escape.title'],
    text: texts['escape.text'],
    icon,
    facts: [],
    fields: [
      text('code', texts['escape.code'], true),
      {
        kind: 'choice',
        name: 'what',
        label: texts['escape.what'],
        options: actions.map((value) => ({ value, label: texts[`escape.${value}`] })),
        value: null,
        required: texts['escape.needed'],
      },
      text('who', texts['escape.who']),
      text('why', texts['escape.why']),
    ],
    buttons: [
      { id: 'do', label: texts['escape.do'], checks: true },
      { id: 'cancel', label: texts['escape.cancel'], checks: false },
    ],
    limit: { seconds: OPEN, button: 'cancel', countdown: texts.countdown },
    closed: 'cancel',
    check: async ({ code = '' }) => {
      const right = await isCode(code);
      if (right === true) return null;
      if (right === false) return { code: texts['escape.wrong'] };
      return { code: about(texts['escape.wait'], right === 1 ? '1 second' : `${right} seconds`) };
    },
  };
}
