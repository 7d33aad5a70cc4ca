/** How a script and what it says travel: everything that is run comes over stdin, what comes back stands between marks. Pure. */

/** The whole command line on a host: it reads one line and runs what that says. Without quotes of any shell but these. */
export const BOOTSTRAP = `exec /bin/sh -c 'IFS= read -r d3 && eval "$(printf %b "$d3")"'`;

/** The same for a shell that is started by one of ours. */
export const INNER = `IFS= read -r d3 && eval "$(printf %b "$d3")"`;

const MOST_CHARACTERS = 1024 * 1024;

/**
 * A text as one line, which `printf %b` makes the text of again.
 * @throws RangeError for a text that no shell can hold
 */
export function lineOf(text: string): string {
  if (text.includes('\0')) throw new RangeError('a script has no NUL character');
  if (text.length > MOST_CHARACTERS) throw new RangeError(`a script has no more than ${MOST_CHARACTERS} characters`);
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\0015');
}

/** What a host answered between the marks. */
export interface Answer {
  /** Whether the shell on the host began: the connection was made and the key taken. */
  begun: boolean;
  /** What stands after the last mark (`end 0`, `later 512`); null: the connection went before it. */
  end: string | null;
  text: string;
}

/** @param mark a word nobody can guess, new for each call */
function beginLine(mark: string): string {
  return `d3:${mark}:begin`;
}

function endOf(mark: string, line: string): string | null {
  const start = `d3:${mark}:`;
  return line.startsWith(start) ? line.slice(start.length) : null;
}

/** @param stdout all that came on stdout */
export function answerOf(mark: string, stdout: string): Answer {
  const begin = `${beginLine(mark)}\n`;
  const from = stdout.startsWith(begin) ? 0 : stdout.indexOf(`\n${begin}`);
  if (from < 0) return { begun: false, end: null, text: '' };
  const start = stdout.indexOf(begin, from) + begin.length;
  const body = stdout.slice(start);
  const to = `\n${body}`.lastIndexOf(`\nd3:${mark}:`);
  if (to < 0) return { begun: true, end: null, text: body };
  const [line = ''] = body.slice(to).split('\n', 1);
  return { begun: true, end: endOf(mark, line), text: body.slice(0, Math.max(0, to - 1)) };
}

/** Tells whole lines while they come, between the marks. */
export class Follower {
  readonly #mark: string;
  readonly #tell: (line: string) => void;
  #state: 'before' | 'within' | 'after' = 'before';
  #held: string | null = null;
  #carry: string;
  #skip: number;
  /** Lines told since the follower began, those left out among them. */
  told = 0;
  /** Called when the shell on the host begins. */
  onBegin: () => void = () => undefined;

  /**
   * @param from `carry`: the beginning of the first line, told by nobody yet; `skip`: lines that were told before
   */
  constructor(
    mark: string,
    tell: (line: string) => void,
    from: { carry: string; skip: number } = { carry: '', skip: 0 },
  ) {
    this.#mark = mark;
    this.#tell = tell;
    this.#carry = from.carry;
    this.#skip = from.skip;
  }

  /** One line as it came. */
  take(line: string): void {
    if (this.#state === 'before') {
      if (line !== beginLine(this.#mark)) return;
      this.#state = 'within';
      this.onBegin();
      return;
    }
    if (this.#state === 'after') return;
    if (endOf(this.#mark, line) !== null) {
      this.#state = 'after';
      return;
    }
    if (this.#held !== null) this.#say(this.#held);
    this.#held = line;
  }

  /** What has no end yet. */
  get rest(): string {
    return this.#carry + (this.#held ?? '');
  }

  #say(line: string): void {
    this.told += 1;
    const whole = this.#carry + line;
    this.#carry = '';
    if (this.#skip > 0) this.#skip -= 1;
    else this.#tell(whole);
  }
}

/** The last bytes of a text, whole characters only. */
export function lastBytes(text: string, most: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= most) return text;
  let from = bytes.length - most;
  while (from < bytes.length && ((bytes[from] as number) & 0xc0) === 0x80) from += 1;
  return bytes.subarray(from).toString('utf8');
}
