import { closeSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { damaged } from '../errors.ts';
import { writeAll } from '../fd.ts';
import type { NewFolder, Placement } from './plan.ts';
import type { StagingFolder } from './staging.ts';

/** What a commit sets out to do; enough to undo it from any point. */
export interface Intent {
  folders: Pick<NewFolder, 'absolute' | 'mode'>[];
  placements: Placement[];
}

// The journal is a file of JSON lines that only grows:
//   {"folder":"/a","mode":493}                  to be made
//   {"place":7,"at":"/a/b","replaces":true}     new/7 goes to /a/b; what is there goes to old/7
//   {"begin":2}                                 the list above is whole (its length); from here on the target changes
//   {"moved":true}                              all of it is done and durable
// Each of the last two is written after everything before it is on the disk.

/** The journal of a commit under way. */
export class Journal {
  readonly #fd: number;

  constructor(staging: StagingFolder) {
    this.#fd = openSync(staging.journal, 'ax', 0o600);
  }

  begin({ folders, placements }: Intent): void {
    const lines: string[] = [];
    for (const { absolute, mode } of folders) lines.push(JSON.stringify({ folder: absolute, mode }));
    for (const { number, absolute, replaces } of placements) {
      lines.push(JSON.stringify({ place: number, at: absolute, replaces }));
      if (lines.length >= 1000) this.#append(lines.splice(0));
    }
    this.#append(lines);
    fsyncSync(this.#fd);
    this.#append([JSON.stringify({ begin: folders.length + placements.length })]);
    fsyncSync(this.#fd);
  }

  moved(): void {
    this.#append([JSON.stringify({ moved: true })]);
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #append(lines: string[]): void {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    writeAll(this.#fd, bytes);
  }
}

/**
 * What the journal of an interrupted commit says: `moved` when all was in place, `begun` when some of the intent may
 * have been done, null when the target had not been touched. Throws FlatpkgError `damaged` for nonsense.
 */
export function readJournal(staging: StagingFolder): { state: 'begun' | 'moved'; intent: Intent } | null {
  let text: string;
  try {
    text = readFileSync(staging.journal, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const intent: Intent = { folders: [], placements: [] };
  let state: 'begun' | 'moved' | null = null;
  // The piece after the last line feed is empty, or a line cut short: not written as far as anyone acted on it.
  for (const line of text.split('\n').slice(0, -1)) {
    const record = parseLine(line);
    if (record === null) break;
    if ('folder' in record) intent.folders.push({ absolute: record.folder, mode: record.mode });
    else if ('place' in record) {
      intent.placements.push({ number: record.place, absolute: record.at, replaces: record.replaces });
    } else if ('begin' in record) {
      if (record.begin !== intent.folders.length + intent.placements.length) throw broken();
      state = 'begun';
    } else if (state === 'begun') state = 'moved';
  }
  return state === null ? null : { state, intent };
}

type JournalLine =
  | { folder: string; mode: number }
  | { place: number; at: string; replaces: boolean }
  | { begin: number }
  | { moved: true };

function parseLine(line: string): JournalLine | null {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof record !== 'object' || record === null) throw broken();
  const fields = record as Record<string, unknown>;
  if (isPath(fields['folder']) && isCount(fields['mode'])) return { folder: fields['folder'], mode: fields['mode'] };
  if (isCount(fields['place']) && isPath(fields['at']) && typeof fields['replaces'] === 'boolean') {
    return { place: fields['place'], at: fields['at'], replaces: fields['replaces'] };
  }
  if (isCount(fields['begin'])) return { begin: fields['begin'] };
  if (fields['moved'] === true) return { moved: true };
  throw broken();
}

function isPath(value: unknown): value is string {
  if (typeof value !== 'string' || !value.startsWith('/') || value.includes('\0')) return false;
  return value.split('/').every((part, index) => index === 0 || (part !== '' && part !== '.' && part !== '..'));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function broken(): Error {
  return damaged('JOURNAL', 'the journal of an interrupted extraction makes no sense; nothing was changed');
}
