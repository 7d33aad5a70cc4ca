import { asLine, asMessage, CommandFile, DIALOG_BUTTONS, DIALOG_SEEN, SWIFT_DIALOG, WorkFolder } from '@d3/show';
import type { Scene } from '../scene.ts';
import type { Driver } from './driver.ts';
import { type Picture, type Program, ProgramWindow, textOf } from './program-window.ts';

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
    const folder = new WorkFolder(place, owner);
    const commands = new CommandFile(folder);
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
      called: SWIFT_DIALOG,
      answered: (code, byItself) => {
        if (code === DIALOG_BUTTONS.first) return 'continue';
        if (code === DIALOG_BUTTONS.second) return 'postpone';
        return DIALOG_SEEN.includes(code ?? -1) ? byItself : null;
      },
      cameUp: (run) => commands.cameUp(run, timing.up),
      async showing(scene, picture) {
        return [
          ...everywhere(await commands.fresh(), scene, picture),
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
          ...everywhere(await commands.fresh(), scene, picture),
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
      count: (text) => commands.tell([`infotext: ${asLine(text)}`]),
      change: (scene, picture) => commands.tell(commandsFor(scene, picture)),
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
