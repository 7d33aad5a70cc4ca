import { fileURLToPath } from 'node:url';
import { readImage } from '../images.ts';
import type { WorkFolder } from '../work-folder.ts';

/** What stands beside texts when nothing else is wanted. */
export const OWN_ICON = fileURLToPath(new URL('../../page/machine.svg', import.meta.url));

/** A private copy of an image, with a plain name, for a program that may be somebody else's. @returns its absolute path */
export async function iconFile(wanted: string | null, folder: WorkFolder): Promise<string> {
  const image = (wanted === null ? null : await readImage(wanted)) ?? (await readImage(OWN_ICON));
  if (image === null) throw new Error('there is no image to be shown');
  return folder.put(`icon.${image.kind}`, image.bytes);
}
