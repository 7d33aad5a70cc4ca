import { chmodSync, chownSync, constants, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

interface Owner {
  uid: number;
  gid: number;
}

const ROOT = process.getuid?.() === 0;

/**
 * The place of all that one show hands to programs: a folder with a name nobody can guess. Others may pass through it, see nothing,
 * and change nothing.
 * @param base absolute path of a folder of passing things
 */
export function makePlace(base: string): string {
  const place = mkdtempSync(path.join(base, PLACE));
  chmodSync(place, ROOT ? 0o711 : 0o700);
  return place;
}

export const PLACE = 'd3-show-';

/** A Mac's folder of passing things that every user may look into, without a space in its path. */
const OPEN_TO_OTHERS = '/private/var/tmp';

/** Where places are made. */
export function baseFor(platform: NodeJS.Platform): string {
  return platform === 'darwin' && existsSync(OPEN_TO_OTHERS) ? OPEN_TO_OTHERS : realpathSync(os.tmpdir());
}

/**
 * What a show hands to a program that runs as somebody else: a folder that is theirs, 0700, in a place that is not. They can do
 * what they like in it, so nothing in it is ever trusted; they cannot put another in its stead.
 */
export class WorkFolder {
  /** Absolute path. */
  readonly inside: string;
  readonly #owner: Owner | null;

  /** @param owner who is to have it; only root can give it away */
  constructor(place: string, owner: Owner | null) {
    this.#owner = ROOT ? owner : null;
    this.inside = mkdtempSync(path.join(place, 'w-'));
    if (this.#owner !== null) chownSync(this.inside, this.#owner.uid, this.#owner.gid);
  }

  /** A new file of theirs. Never through a link, never over one that is there. */
  async put(name: string, bytes: Buffer | string): Promise<string> {
    const file = path.join(this.inside, name);
    rmSync(file, { force: true, recursive: true });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await using handle = await open(file, flags, 0o600);
    await handle.writeFile(bytes);
    if (this.#owner !== null) await handle.chown(this.#owner.uid, this.#owner.gid);
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
    const owned = about.uid === process.getuid?.() || about.uid === this.#owner?.uid;
    if (!about.isFile() || about.nlink !== 1 || !owned) throw new Error('its command file is not what it should be');
    await handle.writeFile(text);
  }

  remove(): void {
    rmSync(this.inside, { recursive: true, force: true, maxRetries: 3 });
  }
}
