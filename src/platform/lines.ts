import { StringDecoder } from 'node:string_decoder';

/** Characters of a line that are told in one piece. */
const LINE_CHARACTERS = 4096;

/**
 * Cuts what a program prints into lines and tells each, without its end. A line without an end is told in pieces: whatever
 * a program prints, no more than one piece of it is kept. What whoever is told throws comes out of `end`: in the handler of
 * a stream nobody could catch it.
 */
export class LineSplitter {
  readonly #tell: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #failure: { error: unknown } | null = null;

  constructor(tell: (line: string) => void) {
    this.#tell = (line) => {
      if (this.#failure !== null) return;
      try {
        tell(line);
      } catch (error) {
        this.#failure = { error };
      }
    };
  }

  /** @returns the text of the bytes, whole characters only */
  take(bytes: Buffer): string {
    const text = this.#decoder.write(bytes);
    this.#split(text);
    return text;
  }

  /** Tells what had no end yet. @returns the text of bytes that were no whole character */
  end(): string {
    const text = this.#decoder.end();
    this.#split(text);
    if (this.#rest !== '') this.#tellLine(this.#rest);
    this.#rest = '';
    if (this.#failure !== null) throw this.#failure.error;
    return text;
  }

  #split(text: string): void {
    const parts = (this.#rest + text).split('\n');
    const rest = parts.pop() as string;
    for (const part of parts) this.#tellLine(part);
    this.#rest = this.#tellPieces(rest);
  }

  #tellLine(line: string): void {
    const last = this.#tellPieces(line.endsWith('\r') ? line.slice(0, -1) : line);
    this.#tell(last);
  }

  /** @returns what is left, a piece at most */
  #tellPieces(line: string): string {
    let at = 0;
    for (; line.length - at > LINE_CHARACTERS; at += LINE_CHARACTERS) this.#tell(line.slice(at, at + LINE_CHARACTERS));
    return at === 0 ? line : line.slice(at);
  }
}
