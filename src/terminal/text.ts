/**
 * Data from packages, depots and machines is printed as it is, but for characters a terminal would obey instead
 * of show: the C0 and C1 controls, and the marks that reorder or hide text.
 */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

function visible(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Text that may have several lines and tabs, safe to print. */
export function escapeText(text: string): string {
  return text.replace(OBEYED, (character) =>
    character === '\n' || character === '\t' ? character : visible(character),
  );
}

/** Text that must stay on its line: a cell, a name inside a message. */
export function escapeLine(text: string): string {
  return text.replace(OBEYED, visible);
}

/** A JSON document on one line that holds no character a terminal would obey. */
export function safeJson(value: unknown): string {
  // Inside JSON such characters can only stand in strings, so \u escapes keep the document's meaning.
  return (JSON.stringify(value) ?? 'null').replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /\p{Mn}|\p{Me}|[\u200b-\u200d]/u;

/** How many columns a line takes on a terminal. */
export function textWidth(line: string): number {
  // Nearly every name is printable ASCII; this is the fast way.
  if (/^[\x20-\x7e]*$/.test(line)) return line.length;
  let width = 0;
  for (const character of line) {
    if (NO_WIDTH.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}
