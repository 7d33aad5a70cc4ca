import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { writePlist } from '@d3/flatpkg';
import { D3Error, type TriggerFiles } from '@d3/sdk';
import { USAGE_FOLDER_MODE } from '../usage-folder.ts';

const LABEL = 'org.d3.repoman';

/** What starts d3RepoMan in every graphical session. @param program absolute path of d3 on the machine */
export function repomanTrigger(platform: NodeJS.Platform, program: string): TriggerFiles {
  return platform === 'darwin'
    ? { files: [{ name: `${LABEL}.plist`, text: launchAgent(program), agent: true }] }
    : { files: [{ name: `${LABEL}.desktop`, text: autostart(program) }] };
}

/** For launchd, which starts it again when it failed. */
function launchAgent(program: string): string {
  return writePlist({
    Label: LABEL,
    ProgramArguments: [program, 'repoman', '--no-input'],
    LimitLoadToSessionType: 'Aqua',
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 60,
    ProcessType: 'Background',
  });
}

/** For desktops that know autostart entries, as about all do under X11. */
function autostart(program: string): string {
  return `[Desktop Entry]
Type=Application
Name=d3RepoMan
Comment=Records which apps are used, so that those nobody uses can be removed
Exec=${desktopWord(program)} repoman --no-input
NoDisplay=true
`;
}

/** A word of an Exec line: quoted, what means something in quotes behind a backslash, which itself is doubled in any value. */
function desktopWord(text: string): string {
  const percent = text.replaceAll('%', '%%');
  if (/^[\w./+%-]+$/.test(percent)) return percent;
  return `"${percent.replaceAll(/[\\"`$]/g, String.raw`\$&`).replaceAll('\\', '\\\\')}"`;
}

/**
 * Makes the folder users' files are in, or puts it right: the ancestor's let users remove one another's.
 * @throws D3Error refused (30) for something else that stands there, notAuthorised (21)
 */
export function makeUsageFolder(folder: string): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory()) {
    throw new D3Error('USAGE_FOLDER', 'refused', 'What stands where usage is recorded is no folder.', {
      target: folder,
      actions: ['look at it, and move it away if it is of no use'],
    });
  }
  const before = process.umask(0o022);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    chmodSync(folder, USAGE_FOLDER_MODE);
  } finally {
    process.umask(before);
  }
}

/** @throws D3Error notAuthorised (21) for what only root may change */
export async function asOwner<Result>(target: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof D3Error || (code !== 'EACCES' && code !== 'EPERM')) throw error;
    throw new D3Error('REPOMAN_ACCESS', 'notAuthorised', 'What is started in every session is not yours to change.', {
      target,
      actions: ['run the command as root'],
      cause: error,
    });
  }
}
