/** What a show shows at a moment, whatever shows it. */
export interface Scene {
  title: string;
  /** Pixels of an image's longer side; null: as large as fits. */
  size: number | null;
  /** Seconds an image stays. */
  seconds: number;
  /** Whether images have their captions; otherwise all have one text. */
  captions: boolean;
  question: SceneQuestion | null;
  progress: Progress | null;
  /** Whether who installs is still there; `gone`: nobody has told anything for a while. */
  installer: 'here' | 'gone';
  /** Everything is done. */
  over: boolean;
  texts: Texts;
}

/** Texts of the show itself. */
export interface Texts {
  /** Below images when they have no captions. */
  caption: string;
  /** When who installs has gone. */
  gone: string;
  /** When it is over and nothing else was said. */
  over: string;
}

/** A question that answers itself after a time. */
export interface Question {
  heading: string;
  text: string;
  /** Absolute path of an image, or null. */
  image: string | null;
  labels: { continue: string; postpone: string | null };
  /** What it answers itself when nobody does, and when its window is closed. Escape is always `postpone`, where that is offered. */
  byItself: 'continue' | 'postpone';
  /** With `%s` for the time left. */
  countdown: string;
}

export interface SceneQuestion extends Question {
  /** Tells it from others. */
  id: string;
  /** When it answers itself; milliseconds of the clock of who shows it. */
  until: number;
}

export interface Progress {
  /** What is being done, as `installing firmware-7-1`. */
  message: string;
  /** How many are done; `total` 0: nobody knows. */
  done: number;
  total: number;
}

export interface Answer {
  question: string;
  answer: 'continue' | 'postpone';
}
