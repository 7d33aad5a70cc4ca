import { lstatSync, renameSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as later } from 'node:timers';
import { D3Error, type Reporter } from '@d3/sdk';
import { type DatedUsage, readUsage, writeUsage } from '../usage-file.ts';
import { usageFile } from '../usage-folder.ts';
import type { FrontSource } from './front.ts';
import { foreign, onlyOne } from './one-instance.ts';
import { Recorder } from './recorder.ts';

/** What d3RepoMan is called among processes, as the ancestor's was. */
export const PROCESS_NAME = 'd3RepoMan';

export interface WatchOptions {
  folder: string;
  user: string;
  uid: number;
  source: FrontSource;
  /** Milliseconds between two writings at least. */
  every: number;
  ui: Reporter;
  now: () => Date;
  /** Aborted at the end of the session. */
  signal: AbortSignal;
}

/** What was seen in a session. */
export type Watched = {
  file: string;
  /** By what was learned which app is in front. */
  source: string;
  switches: number;
  writings: number;
};

/** Written at least this often, so that "nobody switched" can be told from "nobody watched". Milliseconds. */
const REFRESH = 3_600_000;

/**
 * Records for one user which apps come to the front, until the session ends.
 * @throws D3Error refused (30) where nothing can be recorded, busy (41) where it is already
 */
export async function watch({ folder, user, uid, source, every, ui, now, signal }: WatchOptions): Promise<Watched> {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw noFolder(folder);
  const file = fileOf(folder, user);
  const release = hold(path.join(folder, `.${user}.lock`), uid);
  try {
    const recorder = new Recorder(
      before(file, uid, now(), ui),
      { every, refresh: REFRESH },
      {
        now,
        ticks: () => performance.now(),
        later: (milliseconds, work) => {
          const timer = later(work, milliseconds);
          return () => clearTimeout(timer);
        },
        save: (usage) => writeUsage(file, usage),
        onTrouble: (error) =>
          ui({ type: 'warning', target: file, text: `it cannot be written: ${(error as Error).message}` }),
      },
    );
    begin(recorder, file, uid);
    try {
      await source.watch((paths) => recorder.front(paths), signal);
    } finally {
      recorder.close();
    }
    return { file, source: source.name, switches: recorder.switches, writings: recorder.writings };
  } finally {
    release();
  }
}

function noFolder(folder: string): D3Error {
  return new D3Error('NO_USAGE_FOLDER', 'notFound', 'The folder for usage is not there.', {
    target: folder,
    actions: ['make it as root: d3 repoman install'],
  });
}

function fileOf(folder: string, user: string): string {
  try {
    return usageFile(folder, user);
  } catch (error) {
    throw new D3Error('USER_NAME', 'refused', `${(error as Error).message}.`, { target: user });
  }
}

function hold(file: string, uid: number): () => void {
  try {
    return onlyOne(file, uid);
  } catch (error) {
    throw error instanceof D3Error ? error : noAccess(file, uid, error);
  }
}

function begin(recorder: Recorder, file: string, uid: number): void {
  try {
    recorder.begin();
  } catch (error) {
    throw noAccess(file, uid, error);
  }
}

function noAccess(file: string, uid: number, cause: unknown): D3Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const owner = lstatSync(file, { throwIfNoEntry: false })?.uid ?? uid;
  if (owner !== uid || code === 'EPERM' || code === 'ELOOP') return foreign(file);
  if (code === 'EACCES') {
    return new D3Error('USAGE_ACCESS', 'notAuthorised', 'Usage cannot be recorded by this user.', {
      target: file,
      actions: ['have root put the folder right: d3 repoman install'],
      cause,
    });
  }
  return new D3Error('USAGE_WRITE', 'failed', `Usage cannot be recorded: ${message}.`, { target: file, cause });
}

/** What the file says. One that cannot be believed is kept aside, and it is begun anew: what it knew is not known any more. */
function before(file: string, uid: number, now: Date, ui: Reporter): DatedUsage | null {
  const refuse = (stat: { uid: number }) => (stat.uid === uid ? null : 'it belongs to somebody else');
  const found = readUsage(file, { now, refuse });
  if (found === null || !('damage' in found)) return found;
  try {
    renameSync(file, `${file}.damaged`);
  } catch {
    throw foreign(file);
  }
  ui({ type: 'warning', target: file, text: `${found.damage}; it is kept as ${path.basename(file)}.damaged` });
  return null;
}
