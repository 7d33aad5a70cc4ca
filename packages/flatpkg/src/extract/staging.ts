import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, renameSync, rmSync, type Stats } from 'node:fs';
import { asIoError, errnoOf, refused, usage } from '../errors.ts';
import { isSingleComponent } from '../names.ts';

/** The folder everything is prepared in, and the names inside it. */
export class StagingFolder {
  /** On this machine. */
  readonly path: string;
  readonly name: string;

  /** `hostRoot` is the real path of the target root. */
  constructor(hostRoot: string, name: string) {
    if (!isSingleComponent(name)) throw usage('STAGING_NAME', 'a staging folder needs a plain name', name);
    this.name = name;
    this.path = `${hostRoot === '/' ? '' : hostRoot}/${name}`;
  }

  static randomName(): string {
    return `.flatpkg-${randomBytes(9).toString('hex')}`;
  }

  /** Name of the folder while a finished staging is being removed. */
  get donePath(): string {
    return `${this.path}.done`;
  }

  get journal(): string {
    return `${this.path}/journal`;
  }

  /** Staged copy of an entry. */
  fresh(number: number): string {
    return `${this.path}/new/${number}`;
  }

  /** What was in the place of an entry before. */
  aside(number: number): string {
    return `${this.path}/old/${number}`;
  }

  /** Makes the empty folder, for the owner only. Throws FlatpkgError `usage` when the name is taken. */
  create(): void {
    if (lstatSync(this.donePath, { throwIfNoEntry: false }) !== undefined) this.removeDone();
    try {
      mkdirSync(this.path, { mode: 0o700 });
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') {
        throw usage('STAGING_EXISTS', 'this staging folder is there already: recover it first', this.name);
      }
      throw asIoError(error, 'making the staging folder', this.name);
    }
    try {
      mkdirSync(`${this.path}/new`, { mode: 0o700 });
      mkdirSync(`${this.path}/old`, { mode: 0o700 });
    } catch (error) {
      this.remove();
      throw asIoError(error, 'making the staging folder', this.name);
    }
  }

  /**
   * Removes a staging nothing of which has to be kept. The journal goes first: beside half of the files it tells of, a
   * later recovery would draw wrong conclusions from it.
   */
  remove(): void {
    rmSync(this.journal, { force: true });
    rmSync(this.path, { recursive: true, force: true });
  }

  /**
   * Removes the staging of a finished commit. The rename comes first: without the journal a cut in the middle would
   * look like a staging that was never committed.
   */
  finish(): void {
    renameSync(this.path, this.donePath);
    this.removeDone();
  }

  removeDone(): void {
    this.requireOwn(this.donePath);
    rmSync(this.donePath, { recursive: true, force: true });
  }

  /** True when the folder is there. Throws `refused` when it is not one that only we could have made and filled. */
  exists(): boolean {
    return this.requireOwn(this.path);
  }

  doneExists(): boolean {
    return this.requireOwn(this.donePath);
  }

  private requireOwn(path: string): boolean {
    const there: Stats | undefined = lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined) return false;
    const foreign = process.getuid !== undefined && there.uid !== process.getuid();
    if (!there.isDirectory() || foreign || (there.mode & 0o077) !== 0) {
      throw refused('STAGING_FOREIGN', 'is not a staging folder of this user', this.name);
    }
    return true;
  }
}
