import type { Session, ShowPrograms } from '@d3/show';
import type { DriverName, Timing } from '../orders.ts';
import type { Answer, Scene } from '../scene.ts';
import type { Slideshow } from '../slideshow.ts';

/** One way to show something. */
export interface Driver {
  readonly name: DriverName;
  /**
   * Opens its window and makes sure that it came up.
   * @throws Error with the reason when it did not
   */
  open(stage: Stage): Promise<Window>;
}

/** What a driver has to work with. */
export interface Stage {
  scene: Scene;
  slideshow: Slideshow;
  session: Session;
  programs: ShowPrograms;
  platform: NodeJS.Platform;
  timing: Timing;
  /** Absolute path of the show's own place, in which programs' folders are made. */
  place: string;
  /** Milliseconds, always growing. */
  readonly now: () => number;
  readonly onAnswer: (answer: Answer) => void;
}

export interface Window {
  /** Settles with the reason when it is gone though nobody closed it. */
  readonly lost: Promise<string>;
  show(scene: Scene): void;
  close(): Promise<void>;
}
