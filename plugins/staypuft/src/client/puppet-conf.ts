/** puppet.conf: a few settings of the agent, everything else to the byte as it is. Pure. */

type Section = 'main' | 'agent';

/** A setting that is wanted, and the section it goes into where none has it. */
export interface Wanted {
  section: Section;
  key: string;
  value: string;
}

/** What was done to one line, so that just this is undone. */
export type Edit = {
  section: string;
  key: string;
  value: string;
  /** The line as it was; null: there was none. */
  before: string | null;
  /** Whether the section was made for it. */
  madeSection: boolean;
};

const HEADER = /^\s*\[(\w+)\]\s*$/;
const SETTING = /^(\s*)(\w+)(\s*=\s*)(.*?)(\s*)$/;

/** The text with all that is wanted, and what was done to it: nothing where it was so already. */
export function withSettings(text: string | null, wanted: readonly Wanted[]): { text: string; edits: Edit[] } {
  const edits: Edit[] = [];
  let now = text ?? '';
  for (const one of wanted) now = withSetting(now, one, edits);
  return { text: now, edits };
}

function withSetting(text: string, { section, key, value }: Wanted, edits: Edit[]): string {
  const lines = text.split('\n');
  let here = 'main';
  let isThere = false;
  let last = -1;
  for (const [at, line] of lines.entries()) {
    const [, name] = HEADER.exec(line) ?? [];
    if (name !== undefined) here = name;
    const [, indent = '', word = '', equals = '', was = '', end = ''] = SETTING.exec(line) ?? [];
    if (here === section && (name !== undefined || word !== '')) last = at;
    // The agent reads both; a section of another program is none of its.
    if (word !== key || (here !== 'main' && here !== 'agent')) continue;
    isThere = true;
    if (was === value) continue;
    edits.push({ section: here, key, value, before: line, madeSection: false });
    lines[at] = `${indent}${key}${equals}${value}${end}`;
  }
  if (isThere) return lines.join('\n');
  const sectionIsThere = last >= 0;
  edits.push({ section, key, value, before: null, madeSection: !sectionIsThere });
  const line = `${key} = ${value}`;
  if (sectionIsThere) {
    const indent = /^(\s*)\w/.exec(lines[last] as string)?.[1] ?? '';
    lines.splice(last + 1, 0, `${indent}${line}`);
    // A file without an end of line at its end gets none.
    return lines.join('\n');
  }
  const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${before}[${section}]\n${line}\n`;
}

/** Undoes what was done, line by line; a line that somebody has changed since is left as it is. */
export function withoutSettings(text: string, edits: readonly Edit[]): string {
  let now = text;
  for (const edit of edits.toReversed()) now = undone(now, edit);
  return now;
}

function undone(text: string, { section, key, value, before, madeSection }: Edit): string {
  const lines = text.split('\n');
  let here = 'main';
  let header = -1;
  for (const [at, line] of lines.entries()) {
    const [, name] = HEADER.exec(line) ?? [];
    if (name !== undefined) {
      here = name;
      header = at;
    }
    const [, , word, , is] = SETTING.exec(line) ?? [];
    if (here !== section || word !== key || is !== value) continue;
    if (before !== null) lines[at] = before;
    else lines.splice(at, 1);
    const next = lines[header + 1];
    const isEmpty = header >= 0 && (next === undefined || next === '' || HEADER.test(next));
    if (madeSection && isEmpty) lines.splice(header, 1);
    return lines.join('\n');
  }
  return text;
}
