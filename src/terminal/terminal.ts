import {
  type Choice,
  type Confirmation,
  type CsvTable,
  D3Error,
  type Option,
  type Question,
  type Questions,
  type Search,
} from '@d3/sdk';
import { csvText } from './csv.ts';
import { isSet } from './is-set.ts';
import { LiveProgress } from './live.ts';
import { type Output, outputOf } from './output.ts';
import { page } from './pager.ts';
import { ask, askChoice, askSearch, askSecret, askText } from './prompt.ts';
import { renderTable, type Table } from './table.ts';
import { escapeLine, escapeText, safeJson } from './text.ts';
import type { LiveTree } from './tree.ts';

/** How loud a line is; a line is shown when its level reaches the threshold. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
type Level = (typeof LEVELS)[number];

interface TerminalStreams {
  stdout?: Output;
  stderr?: Output;
  stdin?: NodeJS.ReadableStream & { isTTY?: boolean };
  env?: Readonly<Record<string, string | undefined>>;
}

/** How one command wants to be heard. */
interface TerminalMode {
  json?: boolean;
  noInput?: boolean;
  debug?: boolean;
  /** How often `-v` was given less how often `-q` was: each step moves the threshold. */
  verbosity?: number;
}

const DEFAULT_THRESHOLD = LEVELS.indexOf('warn');

/**
 * The only door to the screen. stdout carries the result; progress, questions and warnings go to stderr. Every
 * text passes through the escaping of control characters, so data from packages cannot drive the terminal.
 * Nothing is coloured but the words `Error` and `Warning`, and those only on a terminal without NO_COLOR.
 */
export class Terminal implements Questions {
  readonly #streams: TerminalStreams;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #warnings: string[] = [];
  readonly #opened = new Map<'stdout' | 'stderr', Output>();
  #mode: Required<TerminalMode> = { json: false, noInput: false, debug: false, verbosity: 0 };
  #held: string[] | null = null;
  #live: LiveProgress | null | undefined;
  #closed = false;

  constructor(streams: TerminalStreams = {}) {
    this.#streams = streams;
    this.#env = streams.env ?? process.env;
  }

  /** Called once the command line is read. */
  configure(mode: TerminalMode): void {
    this.#mode = { ...this.#mode, ...mode };
  }

  get json(): boolean {
    return this.#mode.json;
  }

  get debugging(): boolean {
    return this.#mode.debug;
  }

  /** Columns of the terminal, 80 where there is none. */
  get columns(): number {
    return this.#stdout.columns ?? 80;
  }

  /** True when stdout is a terminal, so a person reads the result. */
  get interactive(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** True when somebody can be asked. */
  get canAsk(): boolean {
    return (
      this.#stdin.isTTY === true &&
      this.#stderr.isTTY === true &&
      !this.#mode.json &&
      !this.#mode.noInput &&
      !isSet(this.#env['CI'])
    );
  }

  /** Nobody reads stdout any more; a command that would print for ever should end. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The warnings given so far, for the envelope. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** The result, or a line of it, to stdout. Under --json the envelope carries the result instead. */
  result(text: string): void {
    if (this.#mode.json || text === '') return;
    const lines = `${escapeText(text)}\n`;
    if (this.#held === null) this.#write(lines);
    else this.#held.push(lines);
  }

  /** A table on stdout; see {@link renderTable} for its shape. */
  table(table: Table): void {
    this.result(renderTable(table, this.columns, this.interactive).join('\n'));
  }

  /** Rows on stdout for other programs: see {@link csvText}. Never through the pager. */
  csv(table: CsvTable): void {
    if (!this.#mode.json) this.#write(csvText(table));
  }

  /** A JSON document on a line of its own on stdout: the envelope, or one line of a stream. */
  document(value: unknown): void {
    this.#write(`${safeJson(value)}\n`);
  }

  /** What is being done, one line each, on stderr. Hidden by -q. */
  progress(text: string): void {
    // Between info and warn: shown by default, first to go with -q; under --json only when asked for.
    if (this.#mode.json ? this.#threshold <= LEVELS.indexOf('info') : this.#threshold <= DEFAULT_THRESHOLD) {
      this.#say('info', '', text);
    }
  }

  /** What is being done, drawn as it goes; null where nobody watches: no terminal, --json, -q, or details asked for. */
  get live(): LiveProgress | null {
    if (this.#live === undefined) {
      const stream = this.#watched;
      this.#live = stream === null ? null : new LiveProgress(stream);
    }
    return this.#live;
  }

  /** Several things that happen one after the other, drawn as they go; null where nobody watches. */
  async tree(titles: readonly string[]): Promise<LiveTree | null> {
    const stream = this.#watched;
    if (stream === null) return null;
    const { LiveTree } = await import('./tree.ts');
    return new LiveTree(stream, titles);
  }

  /** Where something can be drawn that moves; null where nobody would see it. */
  get #watched(): NodeJS.WriteStream | null {
    const stream = this.#stderr;
    const plain = isSet(this.#env['CI']) || this.#env['TERM'] === 'dumb' || this.#threshold !== DEFAULT_THRESHOLD;
    return stream.isTTY === true && !this.#mode.json && !plain ? (stream as unknown as NodeJS.WriteStream) : null;
  }

  /** Waits until what is drawn as it goes stands still. */
  async settle(): Promise<void> {
    await this.#live?.settle();
  }

  /** A line of a program that runs on and logs, to stderr; under --json as well. The line is escaped already, as JSON. */
  log(line: string): void {
    this.#stderr.write(`${escapeText(line)}\n`);
  }

  debug(text: string): void {
    this.#log('debug', '', text);
  }

  info(text: string): void {
    this.#log('info', '', text);
  }

  /** Something the reader should know though the command goes on. Also kept for the envelope. */
  warn(text: string): void {
    this.#warnings.push(text);
    if (!this.#mode.json) this.#log('warn', this.#paint('Warning: ', 33), text);
  }

  /** One of several targets failed. */
  error(text: string): void {
    if (!this.#mode.json) this.#log('error', this.#paint('Error: ', 31), text);
  }

  /** The command failed; shown however quiet. */
  fatal(text: string): void {
    if (!this.#mode.json) this.#log('fatal', this.#paint('Error: ', 31), text);
  }

  /** Lines on stderr that are neither level nor result: usage after an error. */
  notice(text: string): void {
    if (!this.#mode.json) this.#stderr.write(`${escapeText(text)}\n`);
  }

  /**
   * Prints what `render` gives to {@link result} and {@link table}; on a terminal it is too long for, through a
   * pager. Leaving the pager early is no error.
   */
  async paged(render: () => void | Promise<void>): Promise<void> {
    if (!this.#canPage) {
      await render();
      return;
    }
    this.#held = [];
    let text: string;
    try {
      await render();
    } finally {
      text = this.#held.join('');
      this.#held = null;
    }
    const lines = text.split('\n').length - 1;
    if (lines <= (this.#stdout.rows ?? 24) - 3 || !(await page(text, this.#env))) this.#write(text);
  }

  /**
   * Asks for a yes on stderr.
   * @returns whether the answer was yes
   * @throws {D3Error} CONFIRMATION_NEEDED (usage) when nobody can be asked, naming the flag that would answer
   */
  async confirm(confirmation: Confirmation): Promise<boolean> {
    if (!this.canAsk) {
      throw new D3Error('CONFIRMATION_NEEDED', 'usage', `Nobody is here to answer "${confirmation.question}"`, {
        target: confirmation.flag,
        actions: [`Give ${confirmation.flag} to answer yes beforehand.`],
      });
    }
    this.#explain(confirmation.details ?? []);
    return ask(escapeText(confirmation.question), this.#stdin, this.#stderr as NodeJS.WritableStream & Output);
  }

  /**
   * Asks for a line on stderr.
   * @param question its `flag` is what would have answered, named when nobody can be asked
   * @throws {D3Error} ANSWER_NEEDED (usage) when nobody can be asked
   */
  async text({ question, flag, preset, details = [], check, signal }: Question): Promise<string> {
    this.#mayAsk(question, flag);
    this.#explain(details);
    return askText(
      { question: escapeText(question), preset: preset ?? '', check, signal },
      this.#stdin,
      this.#stderr as NodeJS.WritableStream & Output,
    );
  }

  /** Lets somebody choose from a list. @throws {D3Error} ANSWER_NEEDED as {@link text} */
  async choose<Value>({ question, flag, options, preset, details = [], signal }: Choice<Value>): Promise<Value> {
    this.#mayAsk(question, flag);
    this.#explain(details);
    return askChoice(
      { question: escapeLine(question), options: options.map(shown), preset, rows: this.#choiceRows, signal },
      this.#stdin,
      this.#stderr as NodeJS.WritableStream & Output,
    );
  }

  /** Lets somebody choose from what there is for the text typed so far. @throws {D3Error} ANSWER_NEEDED as {@link text} */
  async search<Value>({ question, flag, find, details = [] }: Search<Value>): Promise<Value> {
    this.#mayAsk(question, flag);
    this.#explain(details);
    return askSearch(
      { question: escapeLine(question), find: (typed) => find(typed).map(shown), rows: this.#choiceRows },
      this.#stdin,
      this.#stderr as NodeJS.WritableStream & Output,
    );
  }

  /** Asks for a secret; where nobody can be asked it is the first line of stdin. */
  async secret({ question, details = [], signal }: Omit<Question, 'preset' | 'check'>): Promise<string> {
    if (this.canAsk) {
      this.#explain(details);
      const asked = { question: escapeText(question), signal };
      return askSecret(asked, this.#stdin, this.#stderr as NodeJS.WritableStream & Output);
    }
    let text = '';
    for await (const piece of this.#stdin) {
      text += String(piece);
      if (text.includes('\n') || text.length > 65_536) break;
    }
    return (text.split('\n')[0] as string).replace(/\r$/, '');
  }

  /** For commands that print by themselves, as those of other people's plugins do: a reader may leave there too. */
  letOthersPrint(): void {
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error) => {
        if (!isClosedPipe(error)) throw error;
      });
    }
  }

  /** Waits until everything written has left; the process may exit then. */
  async flush(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((stream) => drained(stream)));
  }

  // Node takes milliseconds to open each of these, so that waits until one is used.

  get #stdout(): Output {
    // A reader that went away (`d3 help | head -1`) ends the printing, never the work and not the exit code.
    return this.#open('stdout', () => {
      this.#closed = true;
    });
  }

  get #stderr(): Output {
    return this.#open('stderr', () => undefined);
  }

  get #stdin(): NodeJS.ReadableStream & { isTTY?: boolean } {
    return this.#streams.stdin ?? process.stdin;
  }

  #open(name: 'stdout' | 'stderr', readerLeft: () => void): Output {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const stream: Output = this.#streams[name] ?? outputOf(name);
    stream.on?.('error', (error) => {
      if (!isClosedPipe(error)) throw error;
      readerLeft();
    });
    this.#opened.set(name, stream);
    return stream;
  }

  #mayAsk(question: string, flag: string): void {
    if (this.canAsk) return;
    throw new D3Error('ANSWER_NEEDED', 'usage', `Nobody is here to answer "${question}"`, {
      target: flag,
      actions: [`Give ${flag} beforehand.`],
    });
  }

  #explain(details: readonly string[]): void {
    for (const line of details) this.#say('info', '', line);
  }

  /** A list leaves room for its question, its note and the keys. */
  get #choiceRows(): number {
    return Math.max((this.#stderr.rows ?? 24) - 6, 4);
  }

  get #threshold(): number {
    if (this.#mode.debug) return 0;
    const wanted = DEFAULT_THRESHOLD - this.#mode.verbosity;
    return Math.min(Math.max(wanted, 0), LEVELS.length - 1);
  }

  get #canPage(): boolean {
    return this.interactive && this.#stdin.isTTY === true && !this.#mode.json && !this.#mode.noInput;
  }

  #log(level: Level, prefix: string, text: string): void {
    if (LEVELS.indexOf(level) >= this.#threshold) this.#say(level, prefix, text);
  }

  #say(level: Level, prefix: string, text: string): void {
    const severity = this.#mode.debug ? `${level}: ` : '';
    // Further lines are set in, so that no text can pass for a line of another level.
    const body = escapeText(text).replaceAll('\n', '\n  ');
    this.#stderr.write(`${severity}${prefix}${body}\n`);
  }

  #write(text: string): void {
    if (!this.#closed) this.#stdout.write(text);
  }

  #paint(word: string, colour: number): string {
    const plain = this.#stderr.isTTY !== true || isSet(this.#env['NO_COLOR']) || this.#env['TERM'] === 'dumb';
    return plain ? word : `\u001b[${colour}m${word}\u001b[0m`;
  }
}

function shown<Value>({ value, label, note }: Option<Value>): Option<Value> {
  return { value, label: escapeLine(label), ...(note === undefined ? {} : { note: escapeLine(note) }) };
}

function isClosedPipe(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'EIO';
}

function drained(stream: Output): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
