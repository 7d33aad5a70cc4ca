import type { Json } from './lists.ts';

type Test = (row: Json) => boolean;

/** A filter a server does not take. */
export class BadFilter extends Error {}

/** One character of a value, and whether it stands for itself. */
type Letter = { letter: string; literal: boolean };

const OPERATOR = /^(==|!=|<=|>=|<|>|=lt=|=le=|=gt=|=ge=|=in=|=out=)/;

/** Reads a filter in RSQL, in which only some fields are known. */
export function filterOf(text: string, fields: readonly string[]): Test {
  let rest = text.trim();
  if (rest === '') return () => true;
  const took = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(rest);
    if (found !== null) rest = rest.slice(found[0].length);
    return found;
  };
  const any = (): Test => {
    const tests = [all()];
    while (took(/^\s*,\s*|^\s+or\s+/) !== null) tests.push(all());
    return (row) => tests.some((test) => test(row));
  };
  const all = (): Test => {
    const tests = [one()];
    while (took(/^\s*;\s*|^\s+and\s+/) !== null) tests.push(one());
    return (row) => tests.every((test) => test(row));
  };
  const one = (): Test => {
    if (took(/^\s*\(\s*/) !== null) {
      const inner = any();
      if (took(/^\s*\)/) === null) throw new BadFilter(`no ) before ${rest}`);
      return inner;
    }
    const field = took(/^[\w.]+/)?.[0] ?? '';
    if (!fields.includes(field)) throw new BadFilter(`cannot filter by "${field}"`);
    const operator = took(OPERATOR)?.[1];
    if (operator === undefined) throw new BadFilter(`no operator before ${rest}`);
    if (operator === '=in=' || operator === '=out=') {
      if (took(/^\s*\(\s*/) === null) throw new BadFilter(`no ( before ${rest}`);
      const values = [value()];
      while (took(/^\s*,\s*/) !== null) values.push(value());
      if (took(/^\s*\)/) === null) throw new BadFilter(`no ) before ${rest}`);
      return (row) => values.some((wanted) => same(at(row, field), wanted)) === (operator === '=in=');
    }
    const wanted = value();
    if (operator === '==') return (row) => same(at(row, field), wanted);
    if (operator === '!=') return (row) => !same(at(row, field), wanted);
    const plain = wanted.map(({ letter }) => letter).join('');
    return (row) => ordered(operator, compared(at(row, field), plain));
  };
  const value = (): Letter[] => {
    const quote = took(/^["']/)?.[0];
    const letters: Letter[] = [];
    for (;;) {
      const letter = took(quote === undefined ? /^[^"'();,<>=!~\s]/ : /^\\?[\s\S]/)?.[0];
      if (letter === undefined && quote === undefined && letters.length > 0) return letters;
      if (letter === undefined) throw new BadFilter('a value has no end');
      if (letter === quote) return letters;
      if (letter === '\\') throw new BadFilter('a value has no end');
      letters.push({ letter: letter.at(-1) ?? '', literal: letter.length > 1 });
    }
  };
  const test = any();
  if (rest.trim() !== '') throw new BadFilter(`not understood: ${rest}`);
  return test;
}

/** The value of a row under a path such as `general.name`. */
export function at(row: Json, field: string): unknown {
  return field.split('.').reduce<unknown>((value, key) => (value as Json | null | undefined)?.[key], row);
}

/** How two values stand to each other: numbers by size, all else by its letters without their case. */
export function compared(a: unknown, b: unknown): number {
  const [left, right] = [words(a).toLowerCase(), words(b).toLowerCase()];
  if (/^-?\d+$/.test(left) && /^-?\d+$/.test(right)) return Number(left) - Number(right);
  return left < right ? -1 : Number(left > right);
}

function same(value: unknown, wanted: readonly Letter[]): boolean {
  const parts = wanted.map(({ letter, literal }) =>
    letter === '*' && !literal ? '.*' : letter.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`),
  );
  return new RegExp(`^${parts.join('')}$`, 'is').test(words(value));
}

function ordered(operator: string, difference: number): boolean {
  if (operator === '<' || operator === '=lt=') return difference < 0;
  if (operator === '>' || operator === '=gt=') return difference > 0;
  return operator === '<=' || operator === '=le=' ? difference <= 0 : difference >= 0;
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '').replaceAll('"', '');
}
