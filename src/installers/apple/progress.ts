/** Told of what Apple's installer is at. */
export interface AppleProgress {
  /** In the language of the machine. */
  say: (text: string) => void;
  percent: (percent: number) => void;
}

/**
 * Reads what `installer -verboseR` prints, line by line: `installer:PHASE:`, `installer:STATUS:`, `installer:%`, and messages.
 * Texts are localised, so that nothing is concluded from them; lines that repeat the one before are passed over.
 */
export function appleProgress({ say, percent }: AppleProgress): (line: string) => void {
  let last = '';
  let lastPercent = -1;
  return (line) => {
    const match = /^installer:\s?(?:(PHASE|STATUS):|(%))?(.*)$/.exec(line);
    if (match === null) return;
    const [, , isPercent, rest = ''] = match;
    if (isPercent !== undefined) {
      const value = /^-?\d{1,3}(?:\.\d+)?$/.test(rest) ? Math.floor(Number(rest)) : -1;
      if (value < 0 || value > 100 || value === lastPercent) return;
      lastPercent = value;
      percent(value);
      return;
    }
    const text = rest.trim();
    if (text === '' || text === last) return;
    last = text;
    say(text);
  };
}
