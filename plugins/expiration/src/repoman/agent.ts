import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { writePlist } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { USAGE_FOLDER_MODE, usageFolder } from '../usage-folder.ts';

/** What starts d3RepoMan in every graphical session, and the folder it writes to: laid down and taken away by root. */

export interface AgentPlace {
  root: string;
  platform: NodeJS.Platform;
}

export type AgentChange = {
  /** The file that has it started. */
  agent: string;
  /** Where usage is recorded. */
  folder: string;
  /** Whether it was started, or stopped, in the session of whoever sits at the machine. */
  told: boolean;
  dryRun: boolean;
};

/** Stands in the file: only such a one is ever changed or removed. */
const MARK = 'Written by d3 repoman install';
const LABEL = 'org.d3.repoman';
const LAUNCHCTL = '/bin/launchctl';

/**
 * The d3 that is started: it has to be there, and be named as it is found from anywhere.
 * @throws D3Error usage for what is no absolute path
 */
export function programOf(said: string, root: string): { program: string; warnings: string[] } {
  if (!path.isAbsolute(said) || /\p{Cc}/u.test(said)) {
    throw new D3Error('PROGRAM', 'usage', 'The program of an agent is named by an absolute path.', {
      target: '--program',
    });
  }
  const isThere = existsSync(path.join(root, said));
  return { program: said, warnings: isThere ? [] : [`there is no ${said} in ${root} yet: d3RepoMan needs it there`] };
}

/** @param program absolute path of d3 on the machine */
export function installAgent(place: AgentPlace, program: string, dryRun: boolean): AgentChange {
  const agent = agentFile(place);
  const folder = usageFolder(place.root, place.platform);
  return asOwner(agent, () => {
    refuseForeign(agent);
    if (dryRun) return { agent, folder, told: false, dryRun };
    makeUsageFolder(folder);
    makeFolders(path.dirname(agent));
    replace(agent, place.platform === 'darwin' ? launchAgent(program) : autostart(program));
    return { agent, folder, told: tell(place, 'bootstrap', agent), dryRun };
  });
}

/** What was recorded stays. */
export function removeAgent(place: AgentPlace, dryRun: boolean): AgentChange {
  const agent = agentFile(place);
  const folder = usageFolder(place.root, place.platform);
  return asOwner(agent, () => {
    refuseForeign(agent);
    if (dryRun || textOf(agent) === null) return { agent, folder, told: false, dryRun };
    const told = tell(place, 'bootout', agent);
    rmSync(agent);
    return { agent, folder, told, dryRun };
  });
}

function agentFile({ root, platform }: AgentPlace): string {
  return platform === 'darwin'
    ? path.join(root, 'Library', 'LaunchAgents', `${LABEL}.plist`)
    : path.join(root, 'etc', 'xdg', 'autostart', `${LABEL}.desktop`);
}

/** For launchd, which starts it in every graphical session and again when it failed. */
export function launchAgent(program: string): string {
  return writePlist(
    {
      Label: LABEL,
      ProgramArguments: [program, 'repoman', '--no-input'],
      LimitLoadToSessionType: 'Aqua',
      RunAtLoad: true,
      KeepAlive: { SuccessfulExit: false },
      ThrottleInterval: 60,
      ProcessType: 'Background',
    },
    MARK,
  );
}

/** For desktops that know autostart entries, as about all do under X11. */
export function autostart(program: string): string {
  return `# ${MARK}
[Desktop Entry]
Type=Application
Name=d3RepoMan
Comment=Records which apps are used, so that those nobody uses can be removed
Exec=${desktopWord(program)} repoman --no-input
NoDisplay=true
X-GNOME-Autostart-Phase=Applications
`;
}

/** A word of an Exec line: quoted, what means something in quotes behind a backslash, which itself is doubled in any value. */
function desktopWord(text: string): string {
  const percent = text.replaceAll('%', '%%');
  if (/^[\w./+%-]+$/.test(percent)) return percent;
  return `"${percent.replaceAll(/[\\"`$]/g, '\\$&').replaceAll('\\', '\\\\')}"`;
}

function makeUsageFolder(folder: string): void {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory()) throw foreignAt(folder);
  makeFolders(folder);
  chmodSync(folder, USAGE_FOLDER_MODE);
}

function makeFolders(folder: string): void {
  const before = process.umask(0o022);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } finally {
    process.umask(before);
  }
}

function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    writeFileSync(draft, text, { flag: 'wx', mode: 0o644 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function refuseForeign(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined && textOf(file)?.includes(MARK) !== true)
    throw foreignAt(file);
}

function foreignAt(file: string): D3Error {
  return new D3Error('REPOMAN_FOREIGN', 'refused', 'Something stands there that d3 did not write.', {
    target: file,
    actions: ['look at it, and move it away if it is of no use'],
  });
}

function asOwner<Result>(target: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new D3Error('REPOMAN_ACCESS', 'notAuthorised', 'What is started in every session is not yours to change.', {
      target,
      actions: ['run the command as root'],
      cause: error,
    });
  }
}

/** @returns null when there is no such file */
function textOf(file: string): string | null {
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file, 'utf8') : null;
}

/** On the running system of a Mac, in the session that is there. Elsewhere it begins, and ends, with the next session. */
function tell({ root, platform }: AgentPlace, verb: 'bootstrap' | 'bootout', agent: string): boolean {
  if (root !== '/' || platform !== 'darwin') return false;
  const uid = statSync('/dev/console').uid;
  if (uid === 0) return false;
  const session = `gui/${uid}`;
  const call = (...args: string[]) => spawnSync(LAUNCHCTL, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
  const gone = call('bootout', `${session}/${LABEL}`);
  return verb === 'bootout' ? gone : call('bootstrap', session, agent);
}
