import { HELPER_CODES, helperCameUp, JAMF_HELPER, WorkFolder } from '@d3/show';
import type { Driver } from './driver.ts';
import { type Program, ProgramWindow, textOf } from './program-window.ts';

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
      called: JAMF_HELPER,
      change: null,
      count: null,
      answered: (code, byItself) => {
        if (code === HELPER_CODES.first) return 'continue';
        if (code === HELPER_CODES.second) return 'postpone';
        return code === HELPER_CODES.timedOut ? byItself : null;
      },
      cameUp: helperCameUp,
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
