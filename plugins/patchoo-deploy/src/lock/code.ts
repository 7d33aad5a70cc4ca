import { createHash, timingSafeEqual } from 'node:crypto';
import { D3Error, type FilesPort } from '@d3/sdk';

/** Bytes; a code is short. */
const MOST = 1024;
/** Wrong codes in a row until somebody has to wait, and for how long then: twice as long each time, up to an hour. */
const FREE = 3;
const FIRST_WAIT = 30;
const LONGEST_WAIT = 3600;

/**
 * The code that leads out of the lock.
 * @param file absolute within the root @param owner who has to have the file: 0 on a machine of its own
 * @throws D3Error refused for one that others could read or change, usage for one that is not there or empty
 */
export async function readCode(files: Pick<FilesPort, 'read'>, file: string, owner: number): Promise<string> {
  const found = await files.read(file, MOST);
  const wrong = (why: string) =>
    new D3Error('LOCK_CODE', 'refused', `The code of the lock is not taken from ${file}: ${why}.`, {
      target: 'provision.lockCodeFile',
      actions: [`a file of root's alone with the code on one line: chmod 600 ${file}`],
    });
  if (found === null) throw wrong('it is no plain file there');
  if (found.uid !== owner) throw wrong('it is somebody else’s');
  if ((found.mode & 0o077) !== 0) throw wrong('others may read or change it');
  const code = found.bytes.toString('utf8').trim();
  if (code.length < 4) throw wrong('a code has four letters or digits at least');
  return code;
}

/** Looks at codes, and at fewer the more were wrong. It is asked anew for the code each time, which may be changed meanwhile. */
export class CodeGate {
  readonly #code: () => Promise<string>;
  readonly #now: () => number;
  #wrong = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds, always growing */
  constructor(code: () => Promise<string>, now: () => number) {
    this.#code = code;
    this.#now = now;
  }

  /** @returns whether it is the code; a number: seconds until another one is looked at */
  readonly isCode = async (typed: string): Promise<boolean | number> => {
    const left = Math.ceil((this.#until - this.#now()) / 1000);
    if (left > 0) return left;
    const [given, wanted] = [typed.trim(), await this.#code()].map((text) =>
      createHash('sha256').update(text).digest(),
    );
    if (timingSafeEqual(given as Buffer, wanted as Buffer)) {
      this.#wrong = 0;
      return true;
    }
    this.#wrong += 1;
    if (this.#wrong >= FREE) {
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#wrong - FREE));
      this.#until = this.#now() + wait * 1000;
    }
    return false;
  };
}
