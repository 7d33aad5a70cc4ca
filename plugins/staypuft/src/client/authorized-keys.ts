import { publicKeyOf } from '../ssh/host-keys.ts';

/** authorized_keys of an account: one line of ours, all others as they are. Pure. */

/** What the line is made of. */
export interface AuthorizedKey {
  /** `type base64 comment`. */
  publicKey: string;
  from: string | null;
  command: string | null;
}

export function authorizedLine({ publicKey, from, command }: AuthorizedKey): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '\\"')}"`;
  const options = [
    ...(from === null ? [] : [`from=${quoted(from)}`]),
    ...(command === null ? [] : [`command=${quoted(command)}`]),
  ];
  return `${options.length === 0 ? '' : `${options.join(',')} `}${publicKey}`;
}

/**
 * The text with the line in it, once. A line that somebody else wrote for the same key is left alone, and counts.
 * @param before the line that d3 wrote the last time; null: none
 */
export function withKey(text: string | null, line: string, before: string | null): string {
  const lines = linesOf(text ?? '');
  const blob = blobOf(line);
  const isOurs = (one: string) => one === line || (before !== null && one === before);
  const theirs = lines.filter((one) => !isOurs(one));
  const first = lines.findIndex(isOurs);
  if (theirs.some((one) => blobOf(one) === blob)) return first < 0 ? (text ?? '') : theirs.map(ended).join('');
  if (first < 0) return `${(text ?? '') === '' ? '' : ended(text as string)}${line}\n`;
  const kept = lines.flatMap((one, at) => (at === first ? [line] : isOurs(one) ? [] : [one]));
  const made = kept.map(ended).join('');
  return made === ended(text as string) ? (text as string) : made;
}

/** The text without the line that d3 wrote. */
export function withoutKey(text: string, line: string): string {
  const lines = linesOf(text);
  const kept = lines.filter((one) => one !== line);
  return kept.length === lines.length ? text : kept.map(ended).join('');
}

/** What is the same in two lines for one key, whatever options and comment they have. */
function blobOf(line: string): string | null {
  if (line.trimStart().startsWith('#')) return null;
  const words = line.split(/\s+/);
  for (let at = 0; at + 1 < words.length; at += 1) {
    const key = publicKeyOf(`${words[at]} ${words[at + 1]}`);
    if (key !== null) return key;
  }
  return null;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
