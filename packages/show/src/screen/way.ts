import type { ShowPrograms } from '../places.ts';
import type { Session } from '../session.ts';
import type { Faults, Form, Values, View, WayName } from './port.ts';

/** What stands on the screen at a moment. */
export type Scene = ViewScene | FormScene;

export interface ViewScene {
  kind: 'view';
  view: View;
  locked: boolean;
  /** Label of the button that leads out; null: there is none. */
  escape: string | null;
}

export interface FormScene {
  kind: 'form';
  form: Form;
  /** Another one each time something is asked, and each time it is asked again. */
  id: string;
  /** What the fields have at first. */
  values: Values;
  faults: Faults;
  /** When it answers itself, by the clock of {@link Stage}; null: never. */
  until: number | null;
}

/** How an answer was taken. `stale`: nobody asks that any more. */
export type Verdict = { state: 'taken' | 'stale' } | { state: 'faults'; faults: Faults };

/** All in milliseconds. */
export interface ScreenTiming {
  /** How long a window may take to come up. */
  up: number;
  /** After which what did not come up is tried again while nothing shows. */
  again: number;
  /** Between two signs of life. */
  beat: number;
  /** A window that stood this long and goes is opened again, however often. */
  steady: number;
  /** How long the screen waits for what comes next before it goes back to what was there. */
  linger: number;
}

/** What a way has to work with. */
export interface Stage {
  readonly session: Session;
  readonly programs: ShowPrograms;
  readonly platform: NodeJS.Platform;
  readonly timing: ScreenTiming;
  /** Absolute path of the place of all that is handed to programs. */
  readonly place: string;
  readonly now: () => number;
  /** Somebody pressed a button of a form. */
  readonly answer: (id: string, button: string, values: Values) => Promise<Verdict>;
  /** Somebody closed a form's window. */
  readonly closed: (id: string) => void;
  /** Somebody wants out. */
  readonly escape: () => void;
}

export interface ScreenWindow {
  /** Settles with the reason when it is gone though nobody closed it. */
  readonly lost: Promise<string>;
  /** @throws Error when it cannot show any more */
  show(scene: Scene): Promise<void>;
  close(): Promise<void>;
}

/** One way to show and ask. */
export interface Way {
  readonly name: WayName;
  /** Why it cannot show a scene at all; null: it can. */
  unfit(scene: Scene): string | null;
  /** What it leaves out of a scene, in words. */
  limits(scene: Scene): readonly string[];
  /**
   * Opens its window with a scene, and makes sure that it came up.
   * @throws Error with the reason when it did not
   */
  open(stage: Stage, scene: Scene): Promise<ScreenWindow>;
}
