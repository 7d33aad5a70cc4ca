/** The file beside the images that may name them. */
export const CAPTIONS_FILE = 'captions.json';

const LONGEST = 200;

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

/** Without control characters and what turns text around, not too long for a screen. */
export function oneLine(text: string, longest = LONGEST): string {
  const plain = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
  const letters = Array.from(plain);
  return letters.length > longest
    ? `${letters
        .slice(0, longest - 1)
        .join('')
        .trimEnd()}…`
    : plain;
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
