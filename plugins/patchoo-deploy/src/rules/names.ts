import { D3Error } from '@d3/sdk';
import type { Values } from './attributes.ts';

/** What a computer is called: proposed by a template, held to a pattern, and to be nobody else's. */

/** What a template may use besides attributes. */
export interface NameFacts {
  serial: string | null;
  model: string | null;
}

const TOKEN = /%([a-z]+)(?::(-?\d{1,3}))?%/g;
const TOKENS = ['serial', 'model', 'build', 'site', 'department', 'building'];
/** As depots take names. */
const NAME = /^[^,\p{Cc}]{1,255}$/u;

/**
 * The name a template proposes: `%serial%`, the last six of it with `%serial:-6%`, the first three of a department with `%department:3%`.
 * @returns null where something it uses is not known
 * @throws D3Error usage for a template that uses what there is not
 */
export function proposedName(template: string, { serial, model }: NameFacts, values: Values): string | null {
  const known: Readonly<Record<string, string | null | undefined>> = { ...values, serial, model };
  let whole = true;
  const name = template.replaceAll(TOKEN, (_, token: string, length?: string) => {
    if (!TOKENS.includes(token)) throw badTemplate(template, `%${token}% is none of ${TOKENS.join(', ')}`);
    const value = known[token] ?? '';
    if (value === '') whole = false;
    if (length === undefined) return value;
    const letters = Array.from(value);
    const count = Number(length);
    return (count < 0 ? letters.slice(count) : letters.slice(0, count)).join('');
  });
  if (name.includes('%')) throw badTemplate(template, 'there is a % that begins no %token%');
  return whole && name.trim() !== '' ? name.trim() : null;
}

function badTemplate(template: string, why: string): D3Error {
  return new D3Error('NAME_TEMPLATE', 'usage', `provision.nameTemplate "${template}" cannot be used: ${why}.`, {
    target: 'provision.nameTemplate',
    actions: ['d3 config set provision.nameTemplate %serial%'],
  });
}

/** @throws D3Error usage for a pattern that is none */
export function namePattern(pattern: string | null): RegExp | null {
  if (pattern === null) return null;
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch (error) {
    throw new D3Error(
      'NAME_PATTERN',
      'usage',
      `provision.namePattern is no regular expression: ${(error as Error).message}.`,
      {
        target: 'provision.namePattern',
        actions: ['d3 config set provision.namePattern [a-z0-9-]+'],
        cause: error,
      },
    );
  }
}

export interface NameQuestion {
  /** As it was typed, kept as it is. */
  name: string;
  /** This machine's own record; null: it has none yet. */
  own: string | null;
  /** Records that have the name in any case; null: nobody could say. */
  owners: readonly string[] | null;
  pattern: RegExp | null;
  taken: 'refuse' | 'allow';
  unchecked: 'ask' | 'accept';
}

/** What is to be said of a name. `unchecked`: nobody could say whether it is taken. */
export type NameVerdict = { kind: 'good' } | { kind: 'blank' | 'malformed' | 'taken' | 'unchecked'; why: string };

/** One's own name is good, another computer's is not: records are compared, never what they are called by. */
export function judgeName({ name, own, owners, pattern, taken, unchecked }: NameQuestion): NameVerdict {
  if (name.trim() === '') return { kind: 'blank', why: 'A computer has to have a name.' };
  if (name !== name.trim() || !NAME.test(name))
    return {
      kind: 'malformed',
      why: 'A name is 1 to 255 characters on one line without commas, and begins and ends with none.',
    };
  if (pattern !== null && !pattern.test(name))
    return { kind: 'malformed', why: `${name} is not as names here have to be: ${pattern.source.slice(4, -2)}` };
  if (taken === 'allow') return { kind: 'good' };
  if (owners === null) {
    if (unchecked === 'accept') return { kind: 'good' };
    return { kind: 'unchecked', why: `Nobody can say now whether another computer is called ${name}.` };
  }
  if (owners.every((owner) => owner === own)) return { kind: 'good' };
  return { kind: 'taken', why: `Another computer is called ${name}.` };
}
