import type { Running } from '../programs.ts';
import { WorkFolder } from '../work-folder.ts';
import type { Driver } from './driver.ts';
import { livesFor, type Program, ProgramWindow, textOf } from './program-window.ts';

const CALLED = 'jamfHelper';
/** Milliseconds after which a run that has not ended is taken to be seen: it says nothing of itself. */
const SETTLES = 1500;
/** Exit codes of jamfHelper: the two buttons, and a window that timed out without one. */
const BUTTON_1 = 0;
const BUTTON_2 = 2;
const TIMED_OUT = 243;

/**
 * Jamf's own helper: it cannot change what it shows, so each image is another run of it, and that it lives is all that can be
 * known of its window. The last resort on Macs that have it.
 */
export const jamfHelperDriver: Driver = {
  name: 'jamfHelper',
  async open(stage) {
    const { session, platform, programs, place } = stage;
    if (platform !== 'darwin') throw new Error('jamfHelper is for Macs');
    if (session.kind === 'none') throw new Error(session.reason);
    const program: Program = {
      path: programs.jamfHelper,
      called: CALLED,
      change: null,
      count: null,
      answered: (code, byItself) => {
        if (code === BUTTON_1) return 'continue';
        if (code === BUTTON_2) return 'postpone';
        return code === TIMED_OUT ? byItself : null;
      },
      cameUp: (run: Running) => livesFor(run, SETTLES, CALLED, (code) => program.answered(code, 'continue') !== null),
      showing: async (scene, picture) => [
        // Full screen at the login window; before somebody who works, a window that can be seen past.
        '-startlaunchd',
        '-windowType',
        session.kind === 'login' ? 'fs' : 'hud',
        ...(session.kind === 'login' ? [] : ['-lockHUD']),
        '-title',
        scene.title,
        '-heading',
        picture?.caption || scene.title,
        '-alignHeading',
        'center',
        '-description',
        textOf(scene),
        '-alignDescription',
        'center',
        ...(picture === null ? [] : ['-icon', picture.file, '-iconSize', String(scene.size ?? 400)]),
      ],
      asking: async ({ heading, text, labels, byItself }, scene, picture, seconds) => [
        '-startlaunchd',
        '-windowType',
        'utility',
        '-lockHUD',
        '-title',
        scene.title,
        '-heading',
        heading,
        '-description',
        text,
        ...(picture === null ? [] : ['-icon', picture.file, '-iconSize', String(scene.size ?? 250)]),
        '-button1',
        labels.continue,
        '-defaultButton',
        byItself === 'continue' ? '1' : '2',
        ...(labels.postpone === null ? [] : ['-button2', labels.postpone, '-cancelButton', '2']),
        '-timeout',
        String(seconds),
        '-countdown',
        '-alignCountdown',
        'center',
      ],
    };
    return ProgramWindow.open(stage, new WorkFolder(place, null), program);
  },
};
