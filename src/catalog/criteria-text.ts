import { D3Error } from '@d3/sdk';
import type { Criteria, Criterion, Operator } from './criteria.ts';

/** The language of criteria: `os is macOS and (os-version >= 13 or model like "MacBook*")`. */

/** A word of it. Quoted ones are never a part of the language. */
interface Token {
  text: string;
  quoted: boolean;
  /** Where it begins, from 0. */
  at: number;
}

const MAX_TEXT = 10_000;
const MAX_CRITERIA = 100;
const MAX_DEPTH = 20;
const COMPARISONS: readonly string[] = ['>', '>=', '<', '<='];

/**
 * Reads criteria as typed. Facts and names are not looked up.
 * @throws D3Error usage `CRITERIA_INVALID`, naming the place
 */
export function parseCriteria(text: string): Criteria {
  if (text.length > MAX_TEXT) throw invalid(text, `they have more than ${MAX_TEXT} characters`);
  return new Reader(text).read();
}

/** What goes wrong with criteria, in one form. @param why a clause */
export function invalid(text: string, why: string): D3Error {
  return new D3Error('CRITERIA_INVALID', 'usage', `The criteria cannot be used: ${why}.`, {
    target: text.length > 100 ? `${text.slice(0, 100)}…` : text,
    actions: [
      'for example: os is macOS and (os-version >= 13 or model like "MacBook*") and installed is not transmogrifier',
    ],
  });
}

class Reader {
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;
  #count = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  read(): Criteria {
    if (this.#tokens.length === 0) throw this.#wrong('there are none');
    const criteria = this.#any(0);
    const rest = this.#peek();
    if (rest === undefined) return criteria;
    const unquoted = rest.text === ')' ? 'a ) has no (' : `${place(rest)} needs "and" or "or" before it`;
    throw this.#wrong(`${unquoted}; a value with blanks stands in quotes`);
  }

  #any(depth: number): Criteria {
    const parts = [this.#all(depth)];
    while (this.#takes('or')) parts.push(this.#all(depth));
    return parts.length === 1 ? (parts[0] as Criteria) : { any: parts };
  }

  #all(depth: number): Criteria {
    const parts = [this.#one(depth)];
    while (this.#takes('and')) parts.push(this.#one(depth));
    return parts.length === 1 ? (parts[0] as Criteria) : { all: parts };
  }

  #one(depth: number): Criteria {
    if (!this.#takes('(')) return this.#criterion();
    if (depth >= MAX_DEPTH) throw this.#wrong(`parentheses go deeper than ${MAX_DEPTH}`);
    const inner = this.#any(depth + 1);
    if (!this.#takes(')')) throw this.#wrong('a ( is not closed');
    return inner;
  }

  #criterion(): Criterion {
    this.#count += 1;
    if (this.#count > MAX_CRITERIA) throw this.#wrong(`there are more than ${MAX_CRITERIA}`);
    const fact = this.#word('a fact');
    const { op, not } = this.#operator(fact);
    const value = this.#word(`a value after ${fact} ${op}`);
    return { fact, op, not, value };
  }

  #operator(fact: string): { op: Operator; not: boolean } {
    for (const comparison of COMPARISONS)
      if (this.#takes(comparison)) return { op: comparison as Operator, not: false };
    if (this.#takes('=')) return { op: 'is', not: false };
    if (this.#takes('!=')) return { op: 'is', not: true };
    if (this.#takes('is')) return { op: 'is', not: this.#takes('not') };
    const not = this.#takes('not');
    for (const op of ['like', 'matches'] as const) if (this.#takes(op)) return { op, not };
    throw this.#wrong(
      `after ${fact} an operator is missing: is, is not, like, not like, matches, not matches, >, >=, < or <=`,
    );
  }

  #word(what: string): string {
    const token = this.#peek();
    if (token === undefined) throw this.#wrong(`${what} is missing at the end`);
    const isWord = token.quoted || !/^(?:[()]|and|or|not|is|like|matches|[<>]=?|!?=)$/i.test(token.text);
    if (!isWord) throw this.#wrong(`${what} is missing before ${place(token)}`);
    this.#next += 1;
    if (token.text === '' || token.text.length > 255 || /\p{Cc}/u.test(token.text))
      throw this.#wrong(`${place(token)} must have 1 to 255 characters on one line`);
    return token.text;
  }

  #takes(word: string): boolean {
    const token = this.#peek();
    if (token === undefined || token.quoted || token.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #wrong(why: string): D3Error {
    return invalid(this.#text, why);
  }
}

function place({ text, at }: Token): string {
  return `"${text}" (at ${at + 1})`;
}

/** A quoted part, a sign, or a word, which may have quoted parts in it: `ea."Asset owner"`. */
const TOKEN = /\s*(?:([()]|>=|<=|!=|[<>=])|((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s()<>=!"'])+)|(\S))/suy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const rest = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < rest.length) {
    const match = TOKEN.exec(rest);
    if (match === null) break;
    const [, sign, word, stray] = match;
    const at = TOKEN.lastIndex - (sign ?? word ?? stray ?? '').length;
    if (stray !== undefined) {
      const why = stray === '!' ? 'stands alone' : 'opens a quotation that does not end';
      throw invalid(text, `${stray} (at ${at + 1}) ${why}`);
    }
    if (sign !== undefined) tokens.push({ text: sign, quoted: false, at });
    else tokens.push({ text: unquoted(word as string), quoted: /["']/.test(word as string), at });
  }
  return tokens;
}

function unquoted(word: string): string {
  return word.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/gsu, (_, double?: string, single?: string) =>
    double === undefined ? (single as string) : double.replaceAll(/\\(.)/gsu, '$1'),
  );
}

/**
 * Criteria as they could be typed.
 * @param named the fact and the value of a criterion as they are called now
 */
export function criteriaText(
  criteria: Criteria,
  named: (criterion: Criterion) => { fact: string; value: string } = ({ fact, value }) => ({ fact, value }),
): string {
  const inner = (part: Criteria) =>
    'all' in part || 'any' in part ? `(${criteriaText(part, named)})` : criteriaText(part, named);
  if ('all' in criteria) return criteria.all.map(inner).join(' and ');
  if ('any' in criteria) return criteria.any.map(inner).join(' or ');
  const { fact, value } = named(criteria);
  return `${factText(fact)} ${operatorText(criteria)} ${quoted(value)}`;
}

function operatorText({ op, not }: Criterion): string {
  if (!not) return op;
  return op === 'is' ? 'is not' : `not ${op}`;
}

function factText(fact: string): string {
  const dot = fact.indexOf('.');
  return dot < 0 ? quoted(fact) : `${fact.slice(0, dot)}.${quoted(fact.slice(dot + 1))}`;
}

function quoted(text: string): string {
  const plain = /^[^\s()<>=!"'\\]+$/u.test(text) && !/^(?:and|or|not|is|like|matches)$/i.test(text);
  return plain ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
