import { oneLine } from '@d3/show';

/** The file beside the images that may name them. */
export const CAPTIONS_FILE = 'captions.json';

/**
 * What stands below an image: what the captions file says of it, else its file's name, in one line.
 * @param said the captions file, file name to caption
 */
export function captionOf(name: string, said: ReadonlyMap<string, string>): string {
  return oneLine(said.get(name) ?? spaced(name.replace(/\.[a-z]+$/i, '')));
}

/** `first_day-out` is told as `first day out`; a name that has spaces already is left as it is. */
function spaced(name: string): string {
  return /\s/.test(name) ? name : name.replaceAll(/(?<=[^-_])[-_]+(?=[^-_])/g, ' ');
}

/** Reads a captions file: one JSON object of file name to caption. What is no such thing names nothing. */
export function readCaptions(text: string): Map<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return new Map();
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return new Map();
  return new Map(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
