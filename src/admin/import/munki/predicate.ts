import type { Criteria, Criterion, Operator } from '../../../catalog/criteria.ts';

/**
 * Munki's conditions (Apple's predicates) as criteria of smart groups, as far as these can say the same. Pure; hostile input
 * is bounded.
 */

const MAX_TEXT = 10_000;
const MAX_DEPTH = 20;
/** As many as criteria may have. */
const MAX_LEAVES = 50;

export type Translated = { criteria: Criteria } | { why: string };

/** Facts of Munki that machines of d3 know under another name. */
const FACTS: Readonly<Record<string, string>> = {
  arch: 'cpu',
  hostname: 'name',
  serial_number: 'serial',
  machine_model: 'model',
  os_vers: 'os-version',
};

class CannotSay extends Error {}

/** @returns the criteria, or why there are none */
export function criteriaOf(condition: string): Translated {
  try {
    if (condition.length > MAX_TEXT) throw new CannotSay(`it has more than ${MAX_TEXT} characters`);
    return { criteria: new Reader(tokensOf(condition)).read() };
  } catch (error) {
    if (error instanceof CannotSay) return { why: error.message };
    throw error;
  }
}

const CONTRARY: Partial<Record<Operator, Operator>> = { '>': '<=', '>=': '<', '<': '>=', '<=': '>' };

/** The contrary of criteria: who meets them does not meet this. */
export function contrary(criteria: Criteria): Criteria {
  if ('all' in criteria) return { any: criteria.all.map(contrary) };
  if ('any' in criteria) return { all: criteria.any.map(contrary) };
  const op = CONTRARY[criteria.op];
  return op === undefined ? { ...criteria, not: !criteria.not } : { ...criteria, op };
}

/** Both, or either where one of them is missing. */
export function both(a: Criteria | null, b: Criteria | null): Criteria | null {
  if (a === null || b === null) return a ?? b;
  return { all: [...('all' in a ? a.all : [a]), ...('all' in b ? b.all : [b])] };
}

interface Token {
  text: string;
  /** `text` is what stands between quotes. */
  kind: 'word' | 'text' | 'sign';
}

const TOKEN =
  /\s*(?:(&&|\|\||[=!<>]=|=[<>]|<>|[=<>!(){},])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s=!<>(){},"'&|]+)|(\S))/suy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const rest = text.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < rest.length) {
    const match = TOKEN.exec(rest);
    if (match === null) break;
    const [, sign, double, single, word, stray] = match;
    if (stray !== undefined) throw new CannotSay(`${stray} stands where nothing of it is known`);
    const quoted = double ?? single;
    if (quoted !== undefined) tokens.push({ text: quoted.replaceAll(/\\(.)/gsu, '$1'), kind: 'text' });
    else if (sign !== undefined) tokens.push({ text: sign, kind: 'sign' });
    else tokens.push({ text: word as string, kind: 'word' });
  }
  return tokens;
}

class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #leaves = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  read(): Criteria {
    const criteria = this.#any(0);
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw new CannotSay(`"${rest.text}" stands where it should end`);
    return criteria;
  }

  #any(depth: number): Criteria {
    const parts = [this.#all(depth)];
    while (this.#takes('or', '||')) parts.push(this.#all(depth));
    return parts.length === 1 ? (parts[0] as Criteria) : { any: parts };
  }

  #all(depth: number): Criteria {
    const parts = [this.#one(depth)];
    while (this.#takes('and', '&&')) parts.push(this.#one(depth));
    return parts.length === 1 ? (parts[0] as Criteria) : { all: parts };
  }

  #one(depth: number): Criteria {
    if (depth >= MAX_DEPTH) throw new CannotSay(`it is nested deeper than ${MAX_DEPTH}`);
    if (this.#takes('not', '!')) return contrary(this.#one(depth + 1));
    if (!this.#takes('(')) return this.#comparison();
    const inner = this.#any(depth + 1);
    if (!this.#takes(')')) throw new CannotSay('a ( is not closed');
    return inner;
  }

  #comparison(): Criteria {
    const fact = this.#taken('a fact');
    if (fact.kind !== 'word') throw new CannotSay(`"${fact.text}" is compared, which is no fact`);
    if (/^(?:any|all|some|none|subquery)$/i.test(fact.text))
      throw new CannotSay(`${fact.text.toUpperCase()} looks at lists, which no machine of d3 has`);
    const operator = this.#operator();
    if (operator === 'in') {
      const parts = this.#list().map((value) => this.#leaf(fact.text, '==', value));
      return parts.length === 1 ? (parts[0] as Criteria) : { any: parts };
    }
    return this.#leaf(fact.text, operator, this.#taken('a value').text);
  }

  #operator(): string {
    const token = this.#taken('a comparison');
    const operator = token.text.toLowerCase();
    if (token.kind === 'sign' && /^(?:==?|!=|<>|[<>]=?|=[<>])$/.test(operator)) return operator;
    // How letters are compared: capitals and accents never count in d3.
    const [, word] = /^(beginswith|endswith|contains|like|in)(?:\[[cd]+\])?$/.exec(operator) ?? [];
    if (token.kind === 'word' && word !== undefined) return word;
    throw new CannotSay(`"${token.text}" is no comparison d3 has`);
  }

  #list(): string[] {
    if (!this.#takes('{')) throw new CannotSay('IN needs a list in braces');
    const values: string[] = [];
    while (!this.#takes('}')) {
      if (values.length > 0 && !this.#takes(',')) throw new CannotSay('a list is not closed');
      values.push(this.#taken('a value').text);
    }
    if (values.length === 0) throw new CannotSay('a list is empty');
    return values;
  }

  #leaf(fact: string, operator: string, value: string): Criteria {
    this.#leaves += 1;
    if (this.#leaves > MAX_LEAVES) throw new CannotSay(`it asks more than ${MAX_LEAVES} questions`);
    if (value === '' || value.length > 255 || /\p{Cc}/u.test(value))
      throw new CannotSay('a value is empty or too long');
    if (fact === 'os_vers_major') return ofMajor(operator, value);
    const known = Object.hasOwn(FACTS, fact) ? FACTS[fact] : undefined;
    if (known === undefined) throw new CannotSay(`no machine of d3 knows ${fact}`);
    return compared(known, operator, value);
  }

  #taken(what: string): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new CannotSay(`${what} is missing at the end`);
    this.#next += 1;
    return token;
  }

  #takes(...words: string[]): boolean {
    const token = this.#tokens[this.#next];
    if (token === undefined || token.kind === 'text' || !words.includes(token.text.toLowerCase())) return false;
    this.#next += 1;
    return true;
  }
}

const ORDERS: Readonly<Record<string, Operator>> = {
  '<': '<',
  '<=': '<=',
  '=<': '<=',
  '>': '>',
  '>=': '>=',
  '=>': '>=',
};

function compared(fact: string, operator: string, value: string): Criterion {
  const leaf = (op: Operator, of: string, not = false): Criterion => ({ fact, op, not, value: of });
  const order = ORDERS[operator];
  if (order !== undefined) {
    // As a text 9 would come after 10.
    if (fact === 'os-version' && /^\d+(?:\.\d+)*$/.test(value)) return leaf(order, value);
    throw new CannotSay(`${fact} is not compared by size`);
  }
  if (operator === '=' || operator === '==') return leaf('is', value);
  if (operator === '!=' || operator === '<>') return leaf('is', value, true);
  if (operator === 'like') return leaf('like', starred(value));
  if (/[*?]/.test(value)) throw new CannotSay(`"${value}" has a * or ? that would stand for anything`);
  return leaf('like', operator === 'beginswith' ? `${value}*` : operator === 'endswith' ? `*${value}` : `*${value}*`);
}

/** What is like something without stars is just that to Munki, and has it somewhere in it to d3. */
function starred(value: string): string {
  if ((value.match(/\*+/g)?.length ?? 0) > 3) throw new CannotSay(`"${value}" has more than 3 of *`);
  if (/[*?]/.test(value)) return value;
  throw new CannotSay(`LIKE "${value}" has no * or ?`);
}

/** The first number of the version of macOS. */
function ofMajor(operator: string, value: string): Criteria {
  if (!/^\d{1,4}$/.test(value)) throw new CannotSay(`os_vers_major is not compared with "${value}"`);
  const from = (not: boolean): Criterion => ({ fact: 'os-version', op: not ? '<' : '>=', not: false, value });
  const after = (not: boolean): Criterion => ({
    fact: 'os-version',
    op: not ? '<' : '>=',
    not: false,
    value: String(Number(value) + 1),
  });
  const order = ORDERS[operator];
  if (order === '>=') return from(false);
  if (order === '<') return from(true);
  if (order === '>') return after(false);
  if (order === '<=') return after(true);
  if (operator === '=' || operator === '==') return { all: [from(false), after(true)] };
  if (operator === '!=' || operator === '<>') return { any: [from(true), after(false)] };
  throw new CannotSay('os_vers_major is only compared by size');
}
