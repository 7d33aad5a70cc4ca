import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { personsEnvironment, type Run, Screen } from '../../test/support/screen.ts';

export interface Scene {
  title: string;
  /** Typed before, with nothing of it in the picture. */
  before: readonly string[];
  /** Typed one after the other, each when the one before is done. */
  lines: readonly string[];
}

const PROMPT = '$ ';
const READY = 'ready-to-be-looked-at';

/** What is another one each time, and a picture would change with. */
const CHANGING: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\d(?=[ T]|$)/g, '2026-01-15'],
  [/(?<=[ T])\d\d:\d\d(?::\d\d\.\d{3}Z)?/g, '09:30'],
  [/\b[0-9a-f]{64}\b/g, '5d1fe0c2…'],
];

/** Plays a scene in a real terminal with a real shell, and takes down what a person would see. */
export async function play(scene: Scene, project: string): Promise<Run[][]> {
  const dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-captures-')));
  const rc = path.join(dir, 'rc');
  writeFileSync(rc, `PS1='${PROMPT}'\nPS2='> '\nbind 'set enable-bracketed-paste off'\ncd '${dir}'\n`);
  const env = personsEnvironment(dir, {
    PATH: `${path.join(project, 'bin')}:${process.env['PATH'] ?? ''}`,
    BASH_SILENCE_DEPRECATION_WARNING: '1',
    HISTFILE: '/dev/null',
  });
  const screen = new Screen(['bash', '--noprofile', '--rcfile', rc, '-i'], { cwd: dir, env, columns: 132, rows: 50 });
  try {
    await screen.sees(PROMPT.trim());
    for (const line of [...scene.before, `clear; echo ${READY}`]) await typed(screen, line);
    const begin = screen.text.split('\n').findIndex((line) => line === READY) + 1;
    for (const line of scene.lines) await typed(screen, line);
    const end = screen.text.split('\n').length - 1;
    return screen.lines
      .slice(begin, end)
      .map((line) => trimmed(line.map((run) => ({ ...run, text: steady(run.text, dir) }))));
  } finally {
    screen.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Types a line, and waits until the shell asks for the next. */
async function typed(screen: Screen, line: string): Promise<void> {
  const asked = () => screen.text.split('\n').filter((one) => one.startsWith(PROMPT.trim())).length;
  const before = asked();
  await screen.type(`${line}\r`);
  for (let waited = 0; waited < 60_000; waited += 100) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const last = screen.text.split('\n').at(-1);
    if (last === PROMPT.trim() && (line.startsWith('clear') || asked() > before)) return;
  }
  throw new Error(`this does not end: ${line}\n${screen.text}`);
}

function steady(text: string, dir: string): string {
  return CHANGING.reduce((said, [what, stand]) => said.replaceAll(what, stand), text.replaceAll(dir, '/srv/d3-first'));
}

function trimmed(line: Run[]): Run[] {
  const last = line.at(-1);
  if (last === undefined) return line;
  const text = last.text.trimEnd();
  return text === '' ? trimmed(line.slice(0, -1)) : [...line.slice(0, -1), { ...last, text }];
}
