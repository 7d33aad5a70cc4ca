import { D3Error, type PolicyRun } from '@d3/sdk';
import type { Values } from './attributes.ts';

/** Events of a deployment: what is run, and what follows when that does not come about. */

export interface EventOptions {
  required: boolean;
  /** How often a failed one is tried again. */
  retries: number;
  /** Seconds. */
  timeout: number;
  /** `release`: the machine is released in spite of it; that is the settings' own override, and on record. */
  onFailure: 'continue' | 'hold' | 'release';
  ifNoPolicy: 'ok' | 'warn' | 'fail';
}

export interface DeployEvent extends EventOptions {
  /** A policy's id, name or event; may have %build% and the like in it. */
  word: string;
}

export const EVENT_STANDARD: EventOptions = {
  required: true,
  retries: 2,
  timeout: 4 * 3600,
  onFailure: 'hold',
  ifNoPolicy: 'warn',
};

const WORDS: { readonly [Key in keyof EventOptions]: (text: string) => EventOptions[Key] | null } = {
  required: (text) => (text === 'yes' ? true : text === 'no' ? false : null),
  retries: (text) => wholeNumber(text, 100),
  timeout: (text) => wholeNumber(text, 86_400) || null,
  onFailure: (text) => oneOf(text, ['continue', 'hold', 'release']),
  ifNoPolicy: (text) => oneOf(text, ['ok', 'warn', 'fail']),
};

function wholeNumber(text: string, most: number): number | null {
  return /^\d{1,6}$/.test(text) && Number(text) <= most ? Number(text) : null;
}

function oneOf<Word extends string>(text: string, words: readonly Word[]): Word | null {
  return words.find((word) => word === text) ?? null;
}

/**
 * An event as settings have it: `deploy; required=no; retries=3`. What is blank is no event.
 * @throws D3Error usage
 */
export function readEvent(text: string, setting: string): DeployEvent | null {
  const [word = '', ...options] = text.split(';').map((part) => part.trim());
  if (word === '' && options.length === 0) return null;
  const wrong = (why: string) =>
    new D3Error('PROVISION_SETTING', 'usage', `${setting} cannot be used: ${why}.`, {
      target: setting,
      actions: [`as in: ${setting} "deploy; required=yes; retries=2; timeout=3600; onFailure=hold; ifNoPolicy=warn"`],
    });
  if (word === '' || word.length > 100 || /[,\p{Cc}]/u.test(word)) throw wrong(`"${word}" is no policy or event`);
  const event: Record<string, unknown> = { word, ...EVENT_STANDARD };
  for (const option of options) {
    const [name = '', value = ''] = option.split('=').map((part) => part.trim());
    const read = Object.hasOwn(WORDS, name) ? WORDS[name as keyof EventOptions](value) : null;
    if (read === null) throw wrong(`"${option}" is no option of an event`);
    event[name] = read;
  }
  return event as unknown as DeployEvent;
}

/** A value that may stand in the name of an event. */
const EVENT_SAFE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$/;

export function isEventSafe(value: string): boolean {
  return EVENT_SAFE.test(value);
}

/** What is fired for a machine: never an event with a hole in it, never one that a value bends into another. */
export type FilledEvent =
  | { kind: 'fire'; word: string }
  | { kind: 'nothing'; why: string }
  | { kind: 'unsafe'; why: string };

export function fillEvent(word: string, values: Values): FilledEvent {
  for (const [, key = ''] of word.matchAll(/%([A-Za-z]+)%/g)) {
    const value = values[key] ?? '';
    if (value === '') return { kind: 'nothing', why: `${key} is not known` };
    if (!isEventSafe(value)) return { kind: 'unsafe', why: `${key} "${value}" cannot be part of an event's name` };
  }
  return { kind: 'fire', word: word.replaceAll(/%([A-Za-z]+)%/g, (_, key: string) => values[key] as string) };
}

/** What became of an event. */
export type EventResult = { kind: 'done' | 'failed' | 'restart'; text: string; warning: boolean };

/** A policy that ran has done its work; one that does not exist is what the settings say it is. */
export function judgeEvent(
  { ifNoPolicy }: Pick<EventOptions, 'ifNoPolicy'>,
  word: string,
  run: PolicyRun,
): EventResult {
  if (run.waits === 'restart') return { kind: 'restart', text: run.text, warning: false };
  if (run.state === 'ran' || run.state === 'skipped') return { kind: 'done', text: run.text, warning: false };
  if (run.state === 'failed') return { kind: 'failed', text: run.text, warning: false };
  const text = `no policy has the name or the event ${word}`;
  return { kind: ifNoPolicy === 'fail' ? 'failed' : 'done', text, warning: ifNoPolicy === 'warn' };
}

/**
 * The event of the first group, in the order they are written, that the machine is in: by its whole name.
 * @throws D3Error usage for what is not GROUP=EVENT
 */
export function releaseEvent(written: readonly string[], groups: readonly string[]): string | null {
  const mine = new Set(groups.map((group) => group.toLowerCase()));
  for (const text of written) {
    const at = text.lastIndexOf('=');
    const [group, event] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
    if (at < 1 || group === '' || event === '') {
      throw new D3Error('PROVISION_SETTING', 'usage', `provision.releaseGroups: "${text}" is not GROUP=EVENT.`, {
        target: 'provision.releaseGroups',
        actions: ['d3 config set provision.releaseGroups testers=update-beta'],
      });
    }
    if (mine.has(group.toLowerCase())) return event;
  }
  return null;
}
