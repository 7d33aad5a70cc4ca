const LONGEST = 200;

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

/** How long something still waits, in words. @param countdown with `%s` for them */
export function countdownText(countdown: string, seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  return countdown.replace('%s', left === 1 ? '1 second' : `${left} seconds`);
}
