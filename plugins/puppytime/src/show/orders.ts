import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ShowPrograms } from '@d3/show';
import type { Answer, Scene, SceneQuestion } from './scene.ts';

/**
 * How who installs and who shows talk: two files in a private folder, each written by one and read by the other. Neither waits for
 * the other, so neither's death ends the other; whoever installs next finds the show by the same files.
 */
const ORDERS = 'orders.json';
const REPORT = 'report.json';
export const ORDERS_SCHEMA = 'd3/show-orders@1';
export const REPORT_SCHEMA = 'd3/show-report@1';
/** Bytes; both are far smaller. */
const MOST = 256 * 1024;

export const DRIVERS = ['swiftDialog', 'page', 'jamfHelper'] as const;
/** What can show from a process of its own. */
export type DriverName = (typeof DRIVERS)[number];

/** What is wanted of the show. */
export interface Orders {
  schema: typeof ORDERS_SCHEMA;
  /** Of the process that installs. */
  pid: number;
  /** What may show it, in this order. */
  drivers: readonly DriverName[];
  scene: Omit<Scene, 'installer' | 'question'> & { question: AskedQuestion | null };
  /** Absolute path of the images; null: d3's own. */
  folder: string | null;
  /** The show is to end. */
  closed: boolean;
  timing: Timing;
  platform: NodeJS.Platform;
  programs: ShowPrograms;
}

type AskedQuestion = Omit<SceneQuestion, 'until'> & { seconds: number };

/** What the show says of itself. */
export interface Report {
  schema: typeof REPORT_SCHEMA;
  pid: number;
  /** What shows it; null: nothing yet, or nothing any more. */
  driver: DriverName | null;
  /** Nothing more is tried: there is a window, or there will be none. */
  settled: boolean;
  /** What did not come up, and why. */
  failed: readonly { driver: DriverName; reason: string }[];
  /** Absolute path of what it has handed to programs; null: nothing is left of it. */
  place: string | null;
  answer: Answer | null;
}

/** All in milliseconds. */
export interface Timing {
  /** Between two looks at the other's file. */
  look: number;
  /** Between two signs of life. */
  beat: number;
  /** Without a sign of life the other is taken for gone. */
  silent: number;
  /** How long a window may take to come up. */
  up: number;
  /** How long the show goes on without anybody who installs. */
  linger: number;
}

export const TIMING: Timing = { look: 250, beat: 2000, silent: 30_000, up: 20_000, linger: 20 * 60_000 };

/** One end of the talk: writes one of the two files, reads the other, and notices when the other end falls silent. */
export class Exchange<Mine extends { schema: string }, Theirs extends { schema: string; pid: number }> {
  readonly #mine: string;
  readonly #theirs: string;
  readonly #schema: string;
  readonly #now: () => number;
  #stamp = '';
  #heardAt: number;
  #last: Theirs | null = null;

  private constructor(folder: string, mine: string, theirs: string, schema: string, now: () => number) {
    this.#mine = path.join(folder, mine);
    this.#theirs = path.join(folder, theirs);
    this.#schema = schema;
    this.#now = now;
    this.#heardAt = now();
  }

  /** The end of who installs. It makes the folder its own and nobody else's. */
  static ofInstaller(folder: string, now: () => number): Exchange<Orders, Report> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    return new Exchange<Orders, Report>(folder, ORDERS, REPORT, REPORT_SCHEMA, now);
  }

  static ofShow(folder: string, now: () => number): Exchange<Report, Orders> {
    return new Exchange<Report, Orders>(folder, REPORT, ORDERS, ORDERS_SCHEMA, now);
  }

  /** Writes it whole or not at all. */
  write(said: Mine): void {
    const draft = `${this.#mine}.${randomBytes(6).toString('hex')}`;
    try {
      writeFileSync(draft, JSON.stringify(said), { flag: 'wx', mode: 0o600 });
      renameSync(draft, this.#mine);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  }

  /** A sign of life. */
  beat(): void {
    try {
      const when = new Date(statSync(this.#mine).mtimeMs + 1);
      utimesSync(this.#mine, when, when);
    } catch {
      // Whoever removed it will be told by what is written next.
    }
  }

  /** What the other end said last; null: nothing that can be read. */
  read(): Theirs | null {
    let stamp: string;
    try {
      const { ino, mtimeMs, size } = statSync(this.#theirs);
      stamp = `${ino} ${mtimeMs} ${size}`;
      if (stamp === this.#stamp) return this.#last;
      if (size > MOST) return null;
      const found = JSON.parse(readFileSync(this.#theirs, 'utf8')) as Theirs;
      if (found.schema !== this.#schema) return null;
      this.#last = found;
    } catch {
      return null;
    }
    this.#stamp = stamp;
    this.#heardAt = this.#now();
    return this.#last;
  }

  /** What this end said last, or one before it in its stead; null: nothing that can be read. */
  readOwn(): Mine | null {
    try {
      return JSON.parse(readFileSync(this.#mine, 'utf8')) as Mine;
    } catch {
      return null;
    }
  }

  /** Whether who wrote the other file is there: its process runs, and it has given a sign of life lately. */
  alive(silent: number): boolean {
    const said = this.read();
    return said !== null && this.#now() - this.#heardAt < silent && runs(said.pid);
  }

  /**
   * Whether the other end gives a sign of life from now on. What it wrote may be from before a power cut, and its process number
   * somebody else's by now.
   */
  async stirs({ beat, silent, look }: Timing): Promise<boolean> {
    if (!this.alive(silent)) return false;
    const before = this.#stamp;
    for (const until = this.#now() + 3 * beat; this.#now() < until; ) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(look, 100)));
      this.read();
      if (this.#stamp !== before) return this.alive(silent);
    }
    return false;
  }

  /** Takes away what this end wrote. */
  remove(): void {
    rmSync(this.#mine, { force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
