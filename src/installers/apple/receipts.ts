import { D3Error } from '@d3/sdk';
import { parsePlist, plistValue } from '../../platform/plist.ts';
import { openRootFs } from '../../platform/rootfs.ts';
import type { InstalledPath } from '../driver.ts';
import { endedBadly, type InstallerParts, QUESTION_TIMEOUT } from '../parts.ts';

/** Apple's own record of one package: `pkgutil` knows it by its identifier. */
export interface AppleReceipt {
  id: string;
  version: string;
  /** Absolute within the volume; what the package's paths are relative to. */
  location: string;
}

type Parts = Pick<InstallerParts, 'run' | 'mac'>;

/** @returns null when there is no receipt for it */
export async function appleReceipt(id: string, parts: Parts): Promise<AppleReceipt | null> {
  const answer = await ask(['--pkg-info-plist', id], parts);
  if (answer.code !== 0) return null;
  const info = await parsePlist(answer.stdout);
  if (plistValue(info, 'pkgid') !== id) throw unreadable(id, 'its receipt is none');
  const version = plistValue(info, 'pkg-version');
  const location = plistValue(info, 'install-location') ?? '/';
  if (typeof version !== 'string' || typeof location !== 'string') throw unreadable(id, 'its receipt says too little');
  return { id, version, location: absolute(location, id) };
}

/** What Apple's record of a package says it put on the Mac, as far as it is there. */
export async function applePaths({ id, location }: AppleReceipt, root: string, parts: Parts): Promise<InstalledPath[]> {
  const answer = await ask(['--files', id], parts);
  if (answer.code !== 0 || answer.cut) throw unreadable(id, endedBadly('pkgutil', answer));
  const rootfs = openRootFs(root);
  return answer.stdout.split('\n').flatMap((line) => {
    if (line === '' || line === '.') return [];
    const path = absolute(`${location}/${line}`, id);
    const there = rootfs.describe(path);
    return there === null ? [] : [{ path, ...there }];
  });
}

/** @returns why it could not be forgotten; null when it is, or there is no such receipt */
export async function forgetApple(id: string, parts: Parts): Promise<string | null> {
  if ((await appleReceipt(id, parts)) === null) return null;
  const answer = await ask(['--forget', id], parts);
  return answer.code === 0 ? null : `pkgutil did not forget ${id}: ${endedBadly('it', answer)}`;
}

function ask(args: string[], { run, mac }: Parts) {
  return run({ program: mac.pkgutil, args, timeout: QUESTION_TIMEOUT });
}

/** Without a leading slash or with one: both are written. */
function absolute(text: string, id: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || text.includes('\0')) throw unreadable(id, 'a path in its receipt leads elsewhere');
  return `/${parts.join('/')}`;
}

function unreadable(id: string, why: string): D3Error {
  return new D3Error('APPLE_RECEIPT', 'installerFailed', `What ${id} has installed cannot be read: ${why}.`, {
    target: id,
    actions: [`look at it with pkgutil --pkg-info ${id} and pkgutil --files ${id}`],
  });
}
