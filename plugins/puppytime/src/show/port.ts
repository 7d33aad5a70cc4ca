import type { DriverName } from './orders.ts';
import type { Progress, Question, Texts } from './scene.ts';

/** What may show: those with a window, in their order, then the terminal, then nothing. */
export type ShowName = DriverName | 'terminal' | 'none';

/** How a show looks, as the settings say. */
export interface ShowSettings {
  title: string;
  /** Absolute path of the folder with the images; null: d3's own puppies. */
  folder: string | null;
  /** Whether each image has its caption; otherwise all have `texts.caption`. */
  captions: boolean;
  /** Seconds an image stays. */
  seconds: number;
  /** Pixels of an image's longer side; null: as large as fits. */
  size: number | null;
  texts: Texts;
  /** What may show, in this order; null: what fits the machine. */
  ways: readonly ShowName[] | null;
}

export interface ShowQuestion extends Question {
  /** Until it answers itself. */
  seconds: number;
}

/**
 * `continue`, `postpone`: somebody said so, or the question did by itself. `unasked`: there was nothing to ask with.
 */
export type ShowAnswer = 'continue' | 'postpone' | 'unasked';

/**
 * What people see while d3 installs. None of it ever throws or waits for a window: a show that fails, or is ended, never stops
 * what is installed.
 */
export interface Show {
  /** What shows it now. */
  way(): ShowName;
  /** What did not come up, and why. */
  failed(): readonly { driver: ShowName; reason: string }[];
  ask(question: ShowQuestion): Promise<ShowAnswer>;
  progress(progress: Progress): void;
  /** Everything is done; the message stays until the show is closed. */
  over(message: string): void;
  close(): Promise<void>;
}
