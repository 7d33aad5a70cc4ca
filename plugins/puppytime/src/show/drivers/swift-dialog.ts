import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { oneLine } from '../captions.ts';
import type { Running } from '../programs.ts';
import type { Scene } from '../scene.ts';
import { WorkFolder } from '../work-folder.ts';
import { type Driver, sleep } from './driver.ts';
import { livesFor, type Picture, type Program, ProgramWindow, textOf } from './program-window.ts';

const CALLED = 'swiftDialog';
/** Exit codes of swiftDialog that say what somebody, or the time, decided: after the buttons, that it was closed in some way. */
const BUTTON_1 = 0;
const BUTTON_2 = 2;
const SEEN = [BUTTON_1, BUTTON_2, 3, 4, 5, 10, 15];
/** Milliseconds between two looks at the command file. */
const LOOK = 50;

/**
 * swiftDialog: one window whose picture and text are changed through a command file. It takes away the file it is given and makes
 * it anew when its window begins; that is how its window is known to have come up.
 */
export const swiftDialogDriver: Driver = {
  name: 'swiftDialog',
  async open(stage) {
    const { session, platform, programs, place, timing } = stage;
    if (platform !== 'darwin') throw new Error('swiftDialog is for Macs');
    if (session.kind === 'none') throw new Error(session.reason);
    const owner = session.kind === 'user' ? session : null;
    if (/\s/.test(place)) throw new Error(`it cannot read a command file below ${place}: there is a space in the path`);
    const folder = new WorkFolder(place, owner);
    let runs = 0;
    let name = '';
    /** The file as we made it, held open so that it is known again when its name is another's. */
    let made: number | null = null;
    const letGo = (): void => {
      if (made !== null) closeSync(made);
      made = null;
    };
    /** Each run has a command file of its own. */
    const commandFile = async (): Promise<string> => {
      letGo();
      runs += 1;
      name = `commands-${runs}.log`;
      const file = await folder.put(name, '');
      made = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      return file;
    };
    const everywhere = (file: string, scene: Scene, picture: Picture | null): string[] => [
      '--commandfile',
      file,
      '--title',
      asLine(scene.title),
      '--ontop',
      '--blurscreen',
      ...(session.kind === 'login' ? ['--loginwindow'] : []),
      ...(picture === null
        ? ['--hideicon']
        : ['--icon', picture.file, '--centreicon', '--iconsize', String(scene.size ?? 400)]),
    ];
    const program: Program = {
      path: programs.dialog,
      called: CALLED,
      answered: (code, byItself) => {
        if (code === BUTTON_1) return 'continue';
        if (code === BUTTON_2) return 'postpone';
        return SEEN.includes(code ?? -1) ? byItself : null;
      },
      async cameUp(run: Running) {
        const file = path.join(folder.inside, name);
        try {
          for (let waited = 0; waited < timing.up; waited += LOOK) {
            if (!run.running) return await livesFor(run, 0, CALLED, (code) => code !== null && SEEN.includes(code));
            if (made !== null && fstatSync(made).nlink === 0 && existsSync(file)) return;
            await sleep(LOOK);
          }
          throw new Error('swiftDialog did not begin to read its commands in time');
        } finally {
          letGo();
        }
      },
      async showing(scene, picture) {
        return [
          ...everywhere(await commandFile(), scene, picture),
          '--message',
          asMessage(picture?.caption ?? ''),
          '--messagealignment',
          'centre',
          '--big',
          '--progress',
          '100',
          '--progresstext',
          asLine(textOf(scene)),
          '--button1text',
          'none',
          '--button1disabled',
          '--hidedefaultkeyboardaction',
        ];
      },
      async asking({ heading, text, labels, byItself }, scene, picture, seconds) {
        return [
          ...everywhere(await commandFile(), scene, picture),
          '--message',
          `### ${asMessage(heading)}\n\n${text
            .split('\n')
            .map((line) => asMessage(line))
            .join('\n')}`,
          '--messagealignment',
          'centre',
          '--button1text',
          asLine(labels.continue),
          ...(labels.postpone === null ? [] : ['--button2text', asLine(labels.postpone)]),
          // With a bar for the time there would be no first button until it is over.
          '--timer',
          String(seconds),
          '--hidetimerbar',
          // Its first button answers to return: not by chance, where that is not what happens by itself.
          ...(byItself === 'continue' ? [] : ['--hidedefaultkeyboardaction']),
        ];
      },
      count: (text) => folder.append(name, `infotext: ${asLine(text)}\n`),
      change: (scene, picture) =>
        folder.append(
          name,
          commandsFor(scene, picture)
            .map((line) => `${line}\n`)
            .join(''),
        ),
    };
    return ProgramWindow.open(stage, folder, program);
  },
};

/** The lines that make the window show this. */
export function commandsFor(scene: Scene, picture: Picture | null): string[] {
  const { progress, over } = scene;
  const share = progress !== null && progress.total > 0 ? Math.round((100 * progress.done) / progress.total) : null;
  return [
    ...(picture === null ? [] : [`icon: ${picture.file}`]),
    `message: ${asMessage(picture?.caption ?? '')}`,
    over ? 'progress: complete' : share === null ? 'progress: reset' : `progress: ${Math.max(1, share)}`,
    `progresstext: ${asLine(textOf(scene))}`,
  ];
}

/** A text in one line that is none of swiftDialog's own marks: `\\n` for a new line, `<br>`, `none` for nothing at all. */
export function asLine(text: string): string {
  const line = oneLine(text).replaceAll('\\', '\u2216').replaceAll('<', '\u2039');
  return /^(?:none|hide|show|clear|reset|disable|enable)?$/i.test(line) ? `${line}\u200b` : line;
}

/** A text in one line as a message: no Markdown, which would fetch images; no `+ ` for more; no name of a file to be read. */
export function asMessage(text: string): string {
  const line = asLine(text).replaceAll(/[`*_{}[\]()#!>|~]/g, '\\$&');
  const guarded = /^[+-]/.test(line) ? `\u200b${line}` : line;
  return /\.md$/i.test(guarded) ? `${guarded}\u200b` : guarded;
}
