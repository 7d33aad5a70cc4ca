import type { DatedUsage, Usage } from '../usage-file.ts';

export interface RecorderPorts {
  now: () => Date;
  /** Milliseconds that only ever grow, whatever is done to the clock. */
  ticks: () => number;
  /** @returns what keeps it from being done */
  later: (milliseconds: number, work: () => void) => () => void;
  /** @throws what kept it from being written */
  save: (usage: Pick<Usage, 'lastUsed' | 'since'>) => void;
  /** Told when it could not be written; it is tried again. */
  onTrouble: (error: unknown) => void;
}

export interface RecorderOptions {
  /** Milliseconds between two writings at least: what a power cut can take. */
  every: number;
  /** Milliseconds after which the file is written although nothing changed: it says that somebody watches. */
  refresh: number;
}

/** Milliseconds nobody may have watched for: after a longer time, what was not seen used may well have been. */
const LONGEST_GAP = 14 * 86_400_000;

/**
 * Keeps when each app was last in front. The one in front is used all the time: whenever anything is written, it is used now.
 * Nothing is ever of the future; what a clock that was wrong left there was used by now at the latest.
 */
export class Recorder {
  readonly #ports: RecorderPorts;
  readonly #options: RecorderOptions;
  readonly #lastUsed: Map<string, Date>;
  readonly #since: Date;
  #front: readonly string[] = [];
  #savedAt = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => undefined;
  #closed = false;
  switches = 0;
  writings = 0;

  /** @param before what the file says; null when there is none that could be read */
  constructor(before: DatedUsage | null, options: RecorderOptions, ports: RecorderPorts) {
    this.#options = options;
    this.#ports = ports;
    const now = ports.now();
    this.#lastUsed = new Map(before?.lastUsed);
    for (const file of before?.future ?? []) this.#lastUsed.set(file, now);
    this.#since = sinceOf(before, now);
  }

  /** Begins: writes once, so that what cannot be written is known at once. @throws what kept it from being written */
  begin(): void {
    this.#write();
  }

  /** Another app is in front, or none. */
  front(paths: readonly string[]): void {
    if (this.#closed) return;
    // The one that was there until now is as much used now as the one that comes.
    this.#stamp();
    this.#front = paths;
    this.#stamp();
    this.switches += 1;
    const wait = this.#savedAt + this.#options.every - this.#ports.ticks();
    if (wait <= 0) this.#save();
    else this.#arm(wait);
  }

  /** Ends: writes what is not written yet. */
  close(): void {
    if (this.#closed) return;
    this.#save();
    this.#cancel();
    this.#closed = true;
  }

  #stamp(): void {
    const now = this.#ports.now();
    for (const file of this.#front) this.#lastUsed.set(file, now);
  }

  #save(): void {
    try {
      this.#write();
    } catch (error) {
      this.#savedAt = this.#ports.ticks();
      this.#arm(this.#options.every);
      this.#ports.onTrouble(error);
    }
  }

  #write(): void {
    this.#stamp();
    const now = this.#ports.now();
    for (const [file, at] of this.#lastUsed) if (at > now) this.#lastUsed.set(file, now);
    this.#ports.save({ lastUsed: this.#lastUsed, since: this.#since > now ? now : this.#since });
    this.writings += 1;
    this.#savedAt = this.#ports.ticks();
    this.#arm(this.#options.refresh);
  }

  #arm(milliseconds: number): void {
    this.#cancel();
    this.#cancel = this.#ports.later(milliseconds, () => this.#save());
  }
}

function sinceOf(before: DatedUsage | null, now: Date): Date {
  const { since = null, writtenAt = null } = before ?? {};
  if (since === null || writtenAt === null || now.getTime() - writtenAt.getTime() > LONGEST_GAP) return now;
  return since;
}
