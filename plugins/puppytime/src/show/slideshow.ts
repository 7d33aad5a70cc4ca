import { findSlides, PUPPIES, readSlide, type Slide } from './slides.ts';

/** Milliseconds between two looks at the folder. */
const LOOK_AGAIN = 30_000;

/**
 * The images of a show in an order of their own, without end. A folder that has none, or that goes away while it is shown, is
 * d3's own puppies.
 */
export class Slideshow {
  readonly #folder: string | null;
  readonly #now: () => number;
  readonly #random: () => number;
  #slides: readonly Slide[] = [];
  #lookedAt = Number.NEGATIVE_INFINITY;
  #place = -1;

  constructor(folder: string | null, now: () => number, random: () => number = Math.random) {
    this.#folder = folder;
    this.#now = now;
    this.#random = random;
  }

  /** All of them, as the folder is now or was a moment ago. */
  async slides(): Promise<readonly Slide[]> {
    if (this.#now() - this.#lookedAt < LOOK_AGAIN) return this.#slides;
    this.#lookedAt = this.#now();
    const own = this.#folder === null ? [] : await findSlides(this.#folder);
    const found = own.length > 0 ? own : await findSlides(PUPPIES);
    if (!same(found, this.#slides)) this.#slides = this.#shuffled(found);
    return this.#slides;
  }

  /** The next one that is still an image; null when there is none at all. */
  async next(): Promise<{ slide: Slide; bytes: Buffer } | null> {
    for (let looks = 0; looks < 2; looks += 1) {
      const slides = await this.slides();
      for (let tries = 0; tries < slides.length; tries += 1) {
        this.#place = (this.#place + 1) % slides.length;
        const slide = slides[this.#place] as Slide;
        const bytes = await readSlide(slide);
        if (bytes !== null) return { slide, bytes };
      }
      // Nothing of what was there is there any more: perhaps the folder went, and it is looked at again at once.
      this.#lookedAt = Number.NEGATIVE_INFINITY;
    }
    return null;
  }

  #shuffled(found: readonly Slide[]): Slide[] {
    const slides = [...found];
    for (let last = slides.length - 1; last > 0; last -= 1) {
      const other = Math.floor(this.#random() * (last + 1));
      [slides[last], slides[other]] = [slides[other] as Slide, slides[last] as Slide];
    }
    return slides;
  }
}

function same(found: readonly Slide[], known: readonly Slide[]): boolean {
  const before = new Map(known.map((slide) => [slide.file, slide.caption]));
  return found.length === known.length && found.every(({ file, caption }) => before.get(file) === caption);
}
