import { countdownText, oneLine } from '../text.ts';
import type { ShownStep, View } from './port.ts';
import type { FormScene } from './way.ts';

/** What a form says, in lines: its text, what is known, what is wrong. */
export function linesOf({ form, faults }: FormScene): string[] {
  return [
    ...textLines(form.text),
    ...form.facts.map(({ label, value }) => `${oneLine(label)}: ${oneLine(value)}`),
    ...Object.entries(faults).map(([name, fault]) => {
      const label = form.fields.find((field) => field.name === name)?.label;
      return oneLine(label === undefined || form.fields.length === 1 ? fault : `${label}: ${fault}`);
    }),
  ];
}

export function textLines(text: string): string[] {
  return text.split('\n').map((line) => oneLine(line, 2000));
}

/** What a view says where nothing can be laid out: all of it, in lines. */
export function viewLines({ message, newest, facts, steps, bar }: View): string[] {
  return [
    ...textLines(message),
    ...(newest === '' ? [] : ['', oneLine(newest, 400)]),
    ...(facts.length === 0 ? [] : ['', ...facts.map(({ label, value }) => `${oneLine(label)}: ${oneLine(value)}`)]),
    ...(steps.length === 0 ? [] : ['', stepLine(steps, bar)]),
  ];
}

/** Many steps in one line: which is under way, and how many are over. */
function stepLine(steps: readonly ShownStep[], bar: View['bar']): string {
  const running = steps.find(({ state }) => state === 'running' || state === 'failed');
  const done = bar?.done ?? steps.filter(({ state }) => state === 'done' || state === 'skipped').length;
  const far = `${done} of ${bar?.total ?? steps.length}`;
  return running === undefined ? far : `${oneLine(running.name)} (${far})`;
}

/** How long a form still waits; empty when it waits for ever. */
export function countdownOf({ form, until }: FormScene, now: number): string {
  if (form.limit === null || until === null) return '';
  return oneLine(countdownText(form.limit.countdown, (until - now) / 1000));
}
