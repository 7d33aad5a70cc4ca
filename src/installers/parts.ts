import { existsSync, lstatSync, type Stats } from 'node:fs';
import { D3Error } from '@d3/sdk';
import type { PackageFormat } from '../catalog/types.ts';
import { type ProgramAnswer, type RunProgram, runProgram } from '../platform/program.ts';
import { LINUX_PROGRAMS, type LinuxPrograms, MAC_PROGRAMS, type MacPrograms } from '../platform/programs.ts';
import { ANY_SIGNATURE, type SignatureRule } from './signature.ts';

/** What the drivers are put together from; tests hand in programs that answer as real ones did. */
export interface InstallerParts {
  /** As `process.platform`. */
  platform: NodeJS.Platform;
  run: RunProgram;
  mac: MacPrograms;
  linux: LinuxPrograms;
  /** Of this process. */
  uid: number;
  signature: SignatureRule;
  /** A private folder for what is needed for a moment only. */
  work: string;
}

/** @param work a private folder of d3's own */
export function installerParts(work: string, changes: Partial<InstallerParts> = {}): InstallerParts {
  return {
    platform: process.platform,
    run: runProgram,
    mac: MAC_PROGRAMS,
    linux: LINUX_PROGRAMS,
    uid: process.getuid?.() ?? 0,
    signature: ANY_SIGNATURE,
    work,
    ...changes,
  };
}

/** Whether packages are put in place by Apple's installer: on a Mac's own root, most of which nobody else may write to. */
export function isApples({ platform }: Pick<InstallerParts, 'platform'>, root: string): boolean {
  return platform === 'darwin' && root === '/';
}

/** The formats a machine of this kind can install. */
export function formatsHere({ platform, linux }: Pick<InstallerParts, 'platform' | 'linux'>): PackageFormat[] {
  const formats: PackageFormat[] = ['pkg'];
  if (platform === 'darwin') formats.push('dmg');
  if (platform === 'linux' && existsSync(linux.dpkg)) formats.push('deb');
  return formats;
}

/** Milliseconds an installer may take: large packages with scripts of their own. */
export const INSTALLER_TIMEOUT = 2 * 60 * 60 * 1000;
/** Milliseconds for a question to one of the system's programs. */
export const QUESTION_TIMEOUT = 2 * 60 * 1000;

/**
 * Makes sure, right before an installer is given a path, that it leads to the file that was verified.
 * @param verified of that very file
 * @returns asks so
 */
export function pinned(verified: Stats, file: string, target: string): () => void {
  const { dev, ino, size, mtimeMs } = verified;
  return () => {
    const there = lstatSync(file, { throwIfNoEntry: false });
    if (there?.dev === dev && there.ino === ino && there.size === size && there.mtimeMs === mtimeMs) return;
    throw new D3Error('PACKAGE_SWAPPED', 'verificationFailed', 'The file is no longer the one that was verified.', {
      target,
      actions: ['nothing was installed; look who else can write there'],
    });
  };
}

/** How a program failed, with its own last words. */
export function endedBadly(name: string, { code, signal, timedOut, lastLines }: ProgramAnswer): string {
  const how = timedOut ? 'took too long and was ended' : code === null ? `was ended (${signal})` : `ended with ${code}`;
  const words = lastLines.slice(-5).join(' | ');
  return words === '' ? `${name} ${how} without a word` : `${name} ${how}: ${words}`;
}
