import { chmodSync, chownSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';

/**
 * A place for what a show hands to a program that runs as somebody else: a folder with a name nobody can guess, in it one that is
 * theirs, 0700. They can do what they like with what is in theirs, so nothing in it is ever trusted; they cannot move it.
 */
export class WorkFolder {
  /** Absolute path of the folder that is theirs. */
  readonly inside: string;
  readonly #outside: string;
  readonly #owners: readonly number[];

  /**
   * @param base a folder that others may look into: swiftDialog cannot read a command file with a space in its path
   * @param owner uid and gid of who is to have it; only root can give it away
   */
  constructor(base: string, owner: { uid: number; gid: number } | null) {
    const root = process.getuid?.() === 0;
    const own = process.getuid?.() as number;
    this.#outside = mkdtempSync(path.join(base, 'd3-show-'));
    this.inside = path.join(this.#outside, 'theirs');
    mkdirSync(this.inside, { mode: 0o700 });
    if (root && owner !== null) {
      // Others may pass, and see nothing.
      chmodSync(this.#outside, 0o711);
      chownSync(this.inside, owner.uid, owner.gid);
    }
    this.#owners = owner === null ? [own] : [own, owner.uid];
  }

  /** A new file of theirs. Never through a link, never over one that is there. */
  async put(name: string, bytes: Buffer | string, owner: { uid: number; gid: number } | null): Promise<string> {
    const file = path.join(this.inside, name);
    rmSync(file, { force: true, recursive: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await using handle = await open(file, flags, 0o600);
    await handle.writeFile(bytes);
    if (process.getuid?.() === 0 && owner !== null) await handle.chown(owner.uid, owner.gid);
    return file;
  }

  /**
   * Adds to a file in it that a program made anew meanwhile: a plain one with one name, of theirs or ours, not through a link.
   * @throws Error when it is anything else
   */
  async append(name: string, text: string): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using handle = await open(path.join(this.inside, name), flags);
    const about = await handle.stat();
    if (!about.isFile() || about.nlink !== 1 || !this.#owners.includes(about.uid))
      throw new Error('its command file is not what it should be');
    await handle.writeFile(text);
  }

  remove(): void {
    rmSync(this.#outside, { recursive: true, force: true, maxRetries: 3 });
  }
}
