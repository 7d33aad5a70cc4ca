import type { AddSession, AttributeView, EditSession } from '../../admin/attribute-session.ts';
import { editText } from '../../platform/editor.ts';
import { type Asker, pickMany, pickOne, pickPath } from './pick.ts';

/** Something of a menu that is no attribute. */
export interface Extra {
  label: string;
  explanation: string;
  value: string;
  ask(): Promise<void>;
}

interface Menu {
  question: () => Promise<string>;
  /** What leaves the menu. */
  done: string;
  line(view: AttributeView): string;
  extras?: () => Promise<Extra[]>;
  editor: string;
}

type Key = AttributeView['key'];
/** An attribute's key or an extra's label. */
type Line = string | typeof DONE;

const DONE = Symbol('done');

/** One attribute after the other, until all of them together are good. */
export async function walkAttributes(asker: Asker, session: AddSession | EditSession, menu: Menu): Promise<void> {
  let last: Line = DONE;
  for (;;) {
    const views = await session.views();
    const extras = (await menu.extras?.()) ?? [];
    const choice: Line = await asker.choose<Line>({
      question: await menu.question(),
      flag: 'what is wanted as flags',
      preset: last,
      options: [
        { value: DONE, label: menu.done },
        ...views.map((view) => ({ value: view.key, label: shortened(menu.line(view)), note: view.explanation })),
        ...extras.map(({ label, value, explanation }) => ({
          value: label,
          label: shortened(`${label}: ${value}`),
          note: explanation,
        })),
      ],
    });
    last = choice;
    if (choice === DONE) {
      const problems = await session.problems();
      if (problems.length === 0) return;
      for (const { message, target } of problems) asker.error(target === null ? message : `${target}: ${message}`);
      continue;
    }
    const extra = extras.find(({ label }) => label === choice);
    if (extra !== undefined) await extra.ask();
    else await askAttribute(asker, session, await session.view(choice as Key), menu.editor);
  }
}

/** A line of a menu stays a line. */
function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 76 ? `${line.slice(0, 75)}…` : line;
}

async function askAttribute(
  asker: Asker,
  session: AddSession | EditSession,
  view: AttributeView,
  editor: string,
): Promise<void> {
  const typed = await valueOf(asker, session, view, editor);
  if (typed === null) return;
  const problems = await session.set(view.key, typed);
  for (const { message } of problems) asker.error(`${view.label}: ${message}`);
}

/** @returns null when it stays as it is */
async function valueOf(
  asker: Asker,
  session: AddSession | EditSession,
  view: AttributeView,
  editor: string,
): Promise<string | null> {
  if (view.key === 'description') return descriptionOf(asker, view, editor);
  const asked = { question: `${view.label}:`, flag: view.flag, details: [view.explanation] };
  const choices = await session.choices(view.key);
  const from = choices.map((name) => ({ name }));
  switch (view.choices) {
    case 'groups': {
      const before = view.value === 'none' ? [] : view.value.split(',');
      const picked = await pickMany(asker, { ...asked, from }, before);
      return picked.join(',') || 'none';
    }
    case 'scripts':
      return scriptOf(asker, { ...asked, from });
    case 'categories': {
      const others = [{ value: NONE, label: 'none' }] as const;
      const picked = await pickOne<typeof NONE>(asker, { ...asked, from }, { others });
      return picked === NONE ? 'none' : picked;
    }
    case null:
      return textOf(asker, session, view);
    default: {
      const none = view.none ? ['none'] : [];
      const options = [...none, ...choices].map((value) => ({ value, label: WORDS[value] ?? value }));
      return asker.choose({ ...asked, options, preset: view.value });
    }
  }
}

const WORDS: Readonly<Record<string, string>> = { y: 'yes', n: 'no' };
const NONE = Symbol('none');
const FILE = Symbol('file');

/** Each line is tried as it is typed: a good one is set by then. */
async function textOf(asker: Asker, session: AddSession | EditSession, view: AttributeView): Promise<null> {
  const hints = [...(view.list ? ['Several are separated by commas.'] : []), ...(view.none ? ['none clears it.'] : [])];
  await asker.text({
    question: `${view.label}:`,
    flag: view.flag,
    preset: view.value,
    details: [[view.explanation, ...hints].join(' ')],
    check: async (text) => {
      if (text === view.value) return null;
      const problems = await session.set(view.key, text);
      return problems.length === 0 ? null : problems.map(({ message }) => message).join(' ');
    },
  });
  return null;
}

async function scriptOf(asker: Asker, asked: Parameters<typeof pickOne>[1]): Promise<string> {
  const others = [
    { value: NONE, label: 'none' },
    { value: FILE, label: 'a file to take in' },
  ] as const;
  const picked = await pickOne<typeof NONE | typeof FILE>(asker, asked, { others });
  if (picked === FILE) return pickPath(asker, { question: 'Script file:', flag: asked.flag });
  return picked === NONE ? 'none' : picked;
}

async function descriptionOf(
  asker: Asker,
  { value, explanation, flag, label }: AttributeView,
  editor: string,
): Promise<string | null> {
  const way = await asker.choose({
    question: `${label}:`,
    flag,
    details: [explanation, ...(value === '' ? [] : [`It is now: ${value}`])],
    options: [
      { value: 'keep', label: 'keep it as it is' },
      { value: 'editor', label: `write it with ${editor}` },
      { value: 'line', label: 'write one line here' },
      { value: 'blank', label: 'leave it blank' },
    ],
  });
  switch (way) {
    case 'keep':
      return null;
    case 'blank':
      return '';
    case 'line':
      return asker.text({ question: `${label}:`, flag });
    default:
      try {
        return await editText(value, editor);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        asker.error(error.message);
        return null;
      }
  }
}

/** The program somebody writes with. */
export function editorOf(preferred: string | null, env: Readonly<Record<string, string | undefined>>): string {
  return preferred ?? (env['VISUAL'] || env['EDITOR'] || 'vi');
}
