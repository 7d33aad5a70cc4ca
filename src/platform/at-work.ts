import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { RunningProcess } from './processes.ts';

/** What is at work on the system itself, so that nothing of d3 should begin or restart it meanwhile. */

type Running = readonly Pick<RunningProcess, 'names' | 'cut'>[];

/** Programs that only run while a system is updated as a whole. */
const UPDATERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: [
    'startosinstall',
    'osinstallersetupd',
    'softwareupdate',
    'com.apple.MobileSoftwareUpdate.UpdateBrainService',
  ],
  linux: ['do-release-upgrade', 'unattended-upgrade', 'rpm-ostree'],
};

/** What a prepared update leaves until it is done: the next start of the machine is its own. */
const MARKS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['macOS Install Data', 'System/Volumes/Data/macOS Install Data'],
  linux: ['system-update', 'etc/system-update'],
};

/** Programs that install packages, one at a time. */
const INSTALLERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['installer'],
  linux: ['apt', 'apt-get', 'aptitude', 'dpkg', 'dnf', 'dnf5', 'yum', 'rpm', 'zypper'],
};

/** What updates the system at the moment, or at its next start; null: nothing. @param root absolute path */
export function systemUpdate(root: string, running: Running, platform: NodeJS.Platform): string | null {
  const mark = (MARKS[platform] ?? []).find((name) => isThere(path.join(root, name)));
  return mark === undefined ? among(running, UPDATERS[platform] ?? []) : `/${mark} is there`;
}

/** What installs something at the moment; null: nothing. */
export function installerAtWork(running: Running, platform: NodeJS.Platform): string | null {
  return among(running, INSTALLERS[platform] ?? []);
}

function among(running: Running, programs: readonly string[]): string | null {
  for (const { names, cut } of running) {
    // Of a script the kernel keeps fifteen bytes of its name.
    const name = programs.find((one) => names.includes(one) || (cut !== null && one.slice(0, 15) === cut));
    if (name !== undefined) return `${name} is at work`;
  }
  return null;
}

/** A link that leads nowhere yet counts: systemd makes one before it restarts into an update. */
function isThere(file: string): boolean {
  try {
    return lstatSync(file).isSymbolicLink() ? readlinkSync(file) !== '' : true;
  } catch {
    return false;
  }
}
