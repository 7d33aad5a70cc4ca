import { D3Error } from '@d3/sdk';
import { yesOrNo } from './catalog/yes-no.ts';

/**
 * The command lines of the ancestor, made into ones oclif can read: `d3admin X` becomes `admin X`, options before
 * the command move behind it, underscores in the command become hyphens, actions under admin may be abbreviated,
 * a bare yes/no flag means yes, and every way of asking for help or the version becomes that command.
 * Pure: everything it knows about commands and flags comes in the table.
 */

/** d3 and d3admin are one program. */
export type Entry = 'd3' | 'd3admin';

/** Short letters mean one thing to d3 and another to d3admin. */
export type Scope = 'client' | 'admin';

type FlagKind = 'switch' | 'value' | 'yes-no';

export interface FlagShape {
  /** The long name without hyphens. */
  name: string;
  kind: FlagKind;
}

/** Flags by how they are typed: `--force`, `-f`. */
export type FlagMap = ReadonlyMap<string, FlagShape>;

export interface ArgvTable {
  /** Every command by its id and its aliases, the words joined by `:`, with its own flags. */
  commands: Pick<ReadonlyMap<string, FlagMap>, 'get' | 'has' | 'keys'>;
  /** The flags that may stand before the command. */
  leading: Readonly<Record<Scope, FlagMap>>;
}

/** A command line taken apart as far as needed to find the command. */
export interface CommandLine {
  /** The words of the command; empty when there is none. */
  path: string[];
  /** Everything else, behind the command: targets, options, and what follows `--`. */
  rest: string[];
}

/**
 * The argument list oclif can read. Normalising what has been normalised changes nothing.
 * @throws {D3Error} AMBIGUOUS_ACTION (usage) or UNKNOWN_COMMAND for a word after `admin` that is no action; USAGE for
 *   a flag without its value
 */
export function normaliseArgv(argv: readonly string[], entry: Entry, table: ArgvTable): string[] {
  const line = readCommandLine(argv, entry, table);
  return [...line.path, ...line.rest];
}

/** As {@link normaliseArgv}, with the command kept apart from the rest. */
export function readCommandLine(argv: readonly string[], entry: Entry, table: ArgvTable): CommandLine {
  const reader = new Reader(table, entry);
  reader.read(entry === 'd3admin' && argv[0] === 'admin' ? argv.slice(1) : argv);
  return reader.line();
}

const HELP = new Set(['-h', '-H', '--help', '--extended-help']);
const EXTENDED_HELP = new Set(['-H', '--extended-help']);
const VERSION = new Set(['-V', '--version', '--d3-version']);
/** What still matters when a command line turns into a request for help or the version. */
const KEPT = new Set(['--json', '--no-input', '--debug']);

/** Options before the command, in both spellings: letters mean something else once the command is under admin. */
interface Option {
  typed: string[];
  long: string[];
  /** The part that is no option here, but may be one under admin. */
  unknown?: string;
  /** It should have a value and none follows. */
  dangling: boolean;
}

class Reader {
  readonly #table: ArgvTable;
  #path: string[] = [];
  /** No further word belongs to the command. */
  #complete = false;
  readonly #leading: Option[] = [];
  readonly #behind: string[] = [];
  readonly #literal: string[] = [];
  /** The first flag whose value is missing; left to oclif, it might take another flag for its value. */
  #missing: string | null = null;
  #help: 'short' | 'extended' | null = null;
  #version = false;
  readonly #kept = new Set<string>();

  constructor(table: ArgvTable, entry: Entry) {
    this.#table = table;
    if (entry === 'd3admin') this.#path = ['admin'];
  }

  read(argv: readonly string[]): void {
    for (let index = 0; index < argv.length; index++) {
      const token = argv[index] as string;
      if (token === '--') {
        for (const word of argv.slice(index + 1)) this.#word(word, true);
        return;
      }
      if (!isOption(token, this.#flags)) {
        this.#word(token, false);
        continue;
      }
      if (this.#special(token, argv[index + 1])) continue;
      const used = this.#option(token, argv[index + 1]);
      if (used) index++;
    }
  }

  line(): CommandLine {
    if (this.#help !== null) return this.#helpLine();
    if (this.#version || this.#path.join(' ') === 'admin version') {
      return { path: ['version'], rest: [...this.#kept] };
    }
    if (this.#asksForHelp) return this.#helpCommandLine();
    const config = this.#path.join(' ') === 'admin' && this.#leading.some((option) => option.unknown === '--config');
    if (config) this.#path = ['admin', 'config'];
    const known = this.#table.commands.has(this.#path.join(':')) || isTopic(this.#path, this.#table);
    if (this.#missing !== null && this.#path.length > 0 && known) {
      throw new D3Error('USAGE', 'usage', `${this.#missing} needs a value.`, {
        target: this.#missing,
        actions: [`"d3 help ${this.#path.join(' ')}" tells which.`],
      });
    }

    const moved = this.#leading.flatMap((option) => {
      if (this.#path[0] !== 'admin') return option.typed;
      if (option.unknown === undefined || (config && option.unknown === '--config')) return option.long;
      const { long, unknown } = readOption(option.unknown, undefined, this.#flags).option;
      return [...option.long, ...long, ...(unknown === undefined ? [] : [unknown])];
    });
    const behind = [...this.#behind, ...moved];
    return { path: this.#path, rest: this.#literal.length === 0 ? behind : [...behind, '--', ...this.#literal] };
  }

  get #scope(): Scope {
    return this.#path[0] === 'admin' ? 'admin' : 'client';
  }

  /** The flags that can stand here: the command's own once it is known. */
  get #flags(): (token: string) => FlagShape | undefined {
    const own = this.#table.commands.get(this.#path.join(':'));
    const scope = this.#scope;
    // Those before the command are put together from all commands: only where something is typed that may be one.
    return (token) => own?.get(token) ?? this.#table.leading[scope].get(token);
  }

  get #asksForHelp(): boolean {
    const [first, second] = this.#path;
    return first === 'help' || first === 'h' || (first === 'admin' && second === 'help');
  }

  /** Help, version and `d3admin --config`, which are no options of a command. */
  #special(token: string, next: string | undefined): boolean {
    if (HELP.has(token)) {
      this.#help = EXTENDED_HELP.has(token) || this.#help === 'extended' ? 'extended' : 'short';
      return true;
    }
    if (KEPT.has(token)) this.#kept.add(token);
    if (this.#complete) return false;
    if (VERSION.has(token)) {
      // `d3admin --version 2.1 add x` gives the attribute; alone it asks for d3's own version.
      const shape = this.#flags(token);
      if (shape?.kind === 'value' && isValue(next, this.#flags)) return false;
      this.#version = true;
      return true;
    }
    if (token === '--config' && this.#path.length === 1 && this.#path[0] === 'admin') {
      this.#take(['admin', 'config']);
      return true;
    }
    return false;
  }

  /** @returns whether the next word was this option's value */
  #option(token: string, next: string | undefined): boolean {
    const { option, used } = readOption(token, next, this.#flags);
    if (option.dangling) this.#missing ??= option.typed.at(-1) as string;
    if (this.#complete) this.#behind.push(...option.typed);
    else this.#leading.push(option);
    return used;
  }

  #word(word: string, literal: boolean): void {
    // No command starts with a hyphen, so behind `--` such a word is a target.
    if (literal && word.startsWith('-')) this.#complete = true;
    if (!this.#complete) {
      const longer = extend(this.#path, word, this.#table);
      if (longer !== null) {
        this.#take(longer);
        return;
      }
      this.#complete = true;
      if (!this.#table.commands.has(this.#path.join(':'))) {
        // An unknown command; it is named whole in the error.
        this.#path = [...this.#path, word];
        return;
      }
    }
    (literal ? this.#literal : this.#behind).push(word);
  }

  #take(path: string[]): void {
    this.#path = path;
    this.#complete = !isTopic(path, this.#table);
  }

  #helpLine(): CommandLine {
    const about = this.#asksForHelp ? this.#helpCommandLine().rest.filter((word) => !word.startsWith('-')) : this.#path;
    const extended = this.#help === 'extended' ? ['--extended'] : [];
    return { path: ['help'], rest: [...about, ...extended, ...this.#kept] };
  }

  #helpCommandLine(): CommandLine {
    const literal = this.#literal.filter((word) => word.startsWith('-'));
    const options = [...this.#behind, ...this.#leading.flatMap((option) => option.typed.slice(0, 1))]
      .filter((word) => word.startsWith('-'))
      .concat(literal.length === 0 ? [] : ['--', ...literal]);
    let about = [...this.#behind, ...this.#literal].filter((word) => !word.startsWith('-'));
    if (this.#path[0] === 'admin') about = ['admin', ...(about[0] === 'admin' ? about.slice(1) : about)];
    let path: string[] = [];
    for (const [index, word] of about.entries()) {
      const longer = extend(path, word, this.#table);
      if (longer === null) return { path: ['help'], rest: [...path, ...about.slice(index), ...options] };
      path = longer;
    }
    return { path: ['help'], rest: [...path, ...options] };
  }
}

/** A word can be an option, a value or a target; `-` alone and negative numbers are never options. */
function isOption(token: string, flags: (token: string) => FlagShape | undefined): boolean {
  if (!token.startsWith('-') || token === '-') return false;
  return !/^-\d/.test(token) || flags(token.slice(0, 2)) !== undefined;
}

/** Whether the next word can be the value of a flag: everything can but a flag the command knows. */
function isValue(next: string | undefined, flags: (token: string) => FlagShape | undefined): next is string {
  if (next === undefined || next === '--') return false;
  if (KEPT.has(next) || HELP.has(next)) return false;
  if (!next.startsWith('-') || next === '-') return true;
  return flags(next.startsWith('--') ? (next.split('=', 1)[0] as string) : next.slice(0, 2)) === undefined;
}

function readOption(
  token: string,
  next: string | undefined,
  flags: (token: string) => FlagShape | undefined,
): { option: Option; used: boolean } {
  return token.startsWith('--') ? readLong(token, next, flags) : readLetters(token, next, flags);
}

function readLong(
  token: string,
  next: string | undefined,
  flags: (token: string) => FlagShape | undefined,
): { option: Option; used: boolean } {
  const shape = token.includes('=') ? undefined : flags(token);
  if (shape === undefined && !token.includes('=')) {
    return { option: { typed: [token], long: [], unknown: token, dangling: false }, used: false };
  }
  return withValue(token, token, shape, next, flags);
}

/** A flag that stands alone, takes the next word, or is given the `y` a bare yes/no flag means. */
function withValue(
  typed: string,
  long: string,
  shape: FlagShape | undefined,
  next: string | undefined,
  flags: (token: string) => FlagShape | undefined,
): { option: Option; used: boolean } {
  if (shape?.kind === 'value') {
    if (!isValue(next, flags)) return { option: { typed: [typed], long: [long], dangling: true }, used: false };
    return { option: { typed: [typed, next], long: [`${long}=${next}`], dangling: false }, used: true };
  }
  if (shape?.kind === 'yes-no') {
    const used = next !== undefined && yesOrNo(next) !== null;
    const answer = used ? next : 'y';
    return { option: { typed: [typed, answer], long: [`${long}=${answer}`], dangling: false }, used };
  }
  return { option: { typed: [typed], long: [long], dangling: false }, used: false };
}

/** `-fa sally`, `-fasally`, `-a=sally`, `-RF`: the letters are flags until one takes the rest as its value. */
function readLetters(
  token: string,
  next: string | undefined,
  flags: (token: string) => FlagShape | undefined,
): { option: Option; used: boolean } {
  const long: string[] = [];
  for (let at = 1; at < token.length; at++) {
    const shape = flags(`-${token[at]}`);
    if (shape === undefined) {
      return { option: { typed: [token], long, unknown: `-${token.slice(at)}`, dangling: false }, used: false };
    }
    const name = `--${shape.name}`;
    const rest = token.slice(at + 1);
    if (shape.kind === 'switch') {
      long.push(name);
      continue;
    }
    if (rest === '') {
      const last = withValue(token, name, shape, next, flags);
      return { option: { ...last.option, long: [...long, ...last.option.long] }, used: last.used };
    }
    const value = rest.startsWith('=') ? rest.slice(1) : rest;
    if (shape.kind === 'value' || rest.startsWith('=') || yesOrNo(value) !== null) {
      return { option: { typed: [token], long: [...long, `${name}=${value}`], dangling: false }, used: false };
    }
    // `-RF`: R is bare, and what follows are further letters.
    const further = readLetters(`-${rest}`, next, flags);
    const typed = [token.slice(0, at + 1), 'y', ...further.option.typed];
    return {
      option: { ...further.option, typed, long: [...long, `${name}=y`, ...further.option.long] },
      used: further.used,
    };
  }
  return { option: { typed: [token], long, dangling: false }, used: false };
}

/** The command's words with one more, or null when the word does not continue them. */
function extend(path: readonly string[], word: string, table: ArgvTable): string[] | null {
  if (path.length === 1 && path[0] === 'admin') return ['admin', adminAction(word, table)];
  if (path.length > 0 && !isTopic(path, table)) return null;
  for (const name of new Set([word, word.replaceAll('_', '-')])) {
    const longer = [...path, name];
    if (table.commands.has(longer.join(':')) || isTopic(longer, table)) return longer;
  }
  return null;
}

function isTopic(path: readonly string[], table: ArgvTable): boolean {
  const prefix = `${path.join(':')}:`;
  for (const id of table.commands.keys()) if (id.startsWith(prefix)) return true;
  return false;
}

/** What scripts written for the ancestor may abbreviate; later actions never make these ambiguous. */
const ANCESTOR_ACTIONS = ['add', 'edit', 'live', 'delete', 'info', 'show', 'report', 'config', 'help', 'search'];
/** Where the ancestor's actions share a first letter, the letter's meaning is fixed. */
const LETTERS: Readonly<Record<string, string>> = { s: 'show' };

function adminAction(word: string, table: ArgvTable): string {
  const wanted = word.replaceAll('_', '-');
  const actions = new Set(
    [...table.commands.keys()].flatMap((id) => (id.startsWith('admin:') ? [id.split(':')[1] as string] : [])),
  );
  actions.add('help');
  actions.add('version');
  if (actions.has(wanted)) return wanted;
  const letter = LETTERS[wanted];
  if (letter !== undefined && actions.has(letter)) return letter;

  for (const candidates of [ANCESTOR_ACTIONS.filter((action) => actions.has(action)), [...actions].sort()]) {
    const matches = candidates.filter((action) => action.startsWith(wanted));
    if (matches.length === 1) return matches[0] as string;
    if (matches.length > 1) {
      throw new D3Error('AMBIGUOUS_ACTION', 'usage', `"${word}" can mean ${matches.join(', ')}.`, {
        target: word,
        actions: ['Write one letter more.'],
      });
    }
  }
  throw new D3Error('UNKNOWN_COMMAND', 'unknownCommand', `There is no action "${word}" under admin.`, {
    target: word,
    actions: [`The actions are ${[...actions].sort().join(', ')}.`],
  });
}
