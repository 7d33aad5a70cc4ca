import { D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';

/** What is wrong somewhere in a text that somebody wrote. */
export interface Problem {
  /** Where: `roles[1].steps[0].install`; empty: all of it. */
  path: string;
  /** What is wrong there. */
  what: string;
  /** What to do about it. */
  next: string;
}

/** An object whose properties are looked at one by one. */
export type Fields = Readonly<Record<string, unknown>>;

/** Reads values that may be anything, and collects all that is wrong with them instead of ending at the first. */
export class Reader {
  readonly problems: Problem[] = [];

  wrong(path: string, what: string, next: string): void {
    this.problems.push({ path, what, next });
  }

  /** @returns the fields of a mapping; null, with a problem, for anything else. Names that are not known are problems. */
  fields(value: unknown, path: string, known: readonly string[]): Fields | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrong(
        path,
        `${told(value)} is no mapping`,
        `write it as names with values: ${known.slice(0, 3).join(', ')}, …`,
      );
      return null;
    }
    for (const name of Object.keys(value)) {
      if (known.includes(name)) continue;
      this.wrong(at(path, name), `"${shortened(name)}" is not known here`, `known are ${known.join(', ')}`);
    }
    return value as Fields;
  }

  list(value: unknown, path: string, most: number): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.wrong(path, `${told(value)} is no list`, 'write it as a list: one line with "- " for each');
      return [];
    }
    if (value.length > most) this.wrong(path, `it has ${value.length} entries`, `at most ${most} are allowed`);
    return value.slice(0, most);
  }

  /** @param rule what is wrong with a text, or null */
  text(value: unknown, path: string, rule: (text: string) => string | null): string {
    if (typeof value !== 'string') {
      this.wrong(
        path,
        value === undefined ? 'it is missing' : `${told(value)} is no text`,
        'write a text, in quotes if it looks like a number',
      );
      return '';
    }
    const why = rule(value);
    if (why !== null) this.wrong(path, `${told(value)} cannot stand here`, why);
    return value;
  }

  whole(value: unknown, path: string, from: number, to: number): number {
    if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to) return value as number;
    this.wrong(path, `${told(value)} is no whole number from ${from} to ${to}`, 'write such a number');
    return from;
  }

  oneOf<Word extends string>(value: unknown, path: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    this.wrong(path, `${told(value)} is not known here`, `write one of ${words.join(', ')}`);
    return words[0] as Word;
  }

  yes(value: unknown, path: string): boolean {
    if (typeof value === 'boolean') return value;
    this.wrong(path, `${told(value)} is neither true nor false`, 'write true or false');
    return false;
  }
}

/** The place of a field or an entry below another. */
export function at(path: string, below: string | number): string {
  if (typeof below === 'number') return `${path}[${below}]`;
  const name = shortened(below);
  return path === '' ? name : `${path}.${name}`;
}

/** A value as it is quoted in a problem. */
export function told(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : shortened(JSON.stringify(value) ?? typeof value);
}

function shortened(text: string): string {
  const clean = text.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  return clean.length > 80 ? `${clean.slice(0, 79)}…` : clean;
}

/** All problems of a text as one error. @param of what it is, at the beginning of each message */
export function problemsError(code: string, of: string, target: string, problems: readonly Problem[]): D3Errors {
  return new D3Errors(
    problems.map(
      ({ path, what, next }) =>
        new D3Error(code, 'refused', path === '' ? `${of}: ${what}` : `${of}: ${path}: ${what}`, {
          target,
          actions: [next],
        }),
    ),
    EXIT_CODES.refused.code,
  );
}
