import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ImageKind, isImage, kindByName, limitOf, readPlain } from '@d3/show';
import { CAPTIONS_FILE, captionOf, readCaptions } from './captions.ts';

/** An image of a show, as it was found. */
export interface Slide {
  /** Absolute path. */
  file: string;
  kind: ImageKind;
  caption: string;
}

/** The puppies that come with d3. */
export const PUPPIES = fileURLToPath(new URL('../../puppies/', import.meta.url));

/** Names looked at in a folder, and images taken from it: a folder that has more is no slideshow. */
const MOST_NAMES = 5000;
const MOST_SLIDES = 500;
const MOST_CAPTIONS = 1e6;
/** Bytes in which a photograph has said how large it is, its colour profile and thumbnail before that included. */
const HEAD = 512 * 1024;

/**
 * The images of a folder, by name. Everything in it may be there to do harm: only plain files count, no links, no devices;
 * they must be what their names say they are. A folder that is not there has none.
 */
export async function findSlides(folder: string): Promise<Slide[]> {
  const captions = readCaptions((await readPlain(path.join(folder, CAPTIONS_FILE), MOST_CAPTIONS))?.toString() ?? '');
  const slides: Slide[] = [];
  for (const name of await imageNames(folder)) {
    if (slides.length === MOST_SLIDES) break;
    const kind = kindByName(name) as ImageKind;
    const file = path.join(folder, name);
    // The whole of it is looked at when it is shown; here its beginning will do, so that a folder of photographs is quick.
    const head = await readPlain(file, limitOf(kind), kind === 'svg' ? limitOf(kind) : HEAD);
    if (head !== null && isImage(kind, head)) slides.push({ file, kind, caption: captionOf(name, captions) });
  }
  return slides;
}

async function imageNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    let seen = 0;
    for await (const entry of await opendir(folder)) {
      seen += 1;
      if (seen > MOST_NAMES) break;
      if (entry.isFile() && !entry.name.startsWith('.') && kindByName(entry.name) !== null) names.push(entry.name);
    }
  } catch {
    // It is not there, or went away while it was read: what was seen is what there is.
  }
  return names.sort();
}

/** The bytes of an image as they are now; null when it is gone, or is no image any more. */
export async function readSlide({ file, kind }: Pick<Slide, 'file' | 'kind'>): Promise<Buffer | null> {
  const bytes = await readPlain(file, limitOf(kind));
  return bytes !== null && isImage(kind, bytes) ? bytes : null;
}
