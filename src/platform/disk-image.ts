import { cpSync, mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { makeFolder } from './make-folder.ts';
import { parsePlist, plistValue } from './plist.ts';
import type { RunProgram } from './program.ts';

interface ImageParts {
  run: RunProgram;
  hdiutil: string;
  /** A private folder in which the image is attached for a moment. */
  work: string;
}

const ATTACH_TIMEOUT = 10 * 60 * 1000;
const DETACH_TRIES = 5;
const DETACH_PAUSE = 1000;

/**
 * Attaches a disk image for the time of some work: read-only, where no window shows it, and detached whatever becomes of it.
 * @param file absolute path of the image
 * @param work is given the folder its one volume is at
 * @throws D3Error installerFailed (32) when it cannot be attached, or detached again
 */
export async function withDiskImage<Result>(
  file: string,
  target: string,
  parts: ImageParts,
  work: (volume: string) => Promise<Result>,
): Promise<Result> {
  makeFolder(parts.work, 0o700);
  const places = realpathSync(mkdtempSync(path.join(parts.work, 'image-')));
  try {
    const { device, volume } = await attach(file, target, places, parts);
    try {
      if (volume === null) throw failed(target, 'it does not hold exactly one volume');
      return await work(volume);
    } finally {
      await detach(device, target, parts);
    }
  } finally {
    leave(places);
  }
}

/**
 * Copies a file or folder out of an attached image, with its modes, times and links as they are.
 * @param folder is made where it is not there
 * @throws the system's error, also where there is something of that name
 */
export function copyFromImage(from: string, folder: string, name: string): void {
  makeFolder(folder, 0o755);
  const asItIs = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const;
  cpSync(from, path.join(folder, name), { ...asItIs, force: false, errorOnExist: true });
}

/** Where the image could not be detached it is still in use. */
function leave(places: string): void {
  try {
    rmdirSync(places);
  } catch {
    // It is empty, private, and in nobody's way.
  }
}

async function attach(file: string, target: string, places: string, { run, hdiutil }: ImageParts) {
  const options = ['-plist', '-nobrowse', '-readonly', '-noautoopen', '-owners', 'on', '-mountrandom', places];
  // One that has a licence asks whether it is agreed to: nobody is there to agree.
  const call = { program: hdiutil, args: ['attach', ...options, file], timeout: ATTACH_TIMEOUT, input: 'N\n' };
  const answer = await run(call);
  // What is said around the property list is the licence.
  const list = /<\?xml[\s\S]*<\/plist>/.exec(answer.stdout)?.[0] ?? '';
  const found = answer.code === 0 ? await parsePlist(list) : null;
  const entities = plistValue(found, 'system-entities');
  if (!Array.isArray(entities)) throw failed(target, answer.lastLines.slice(-3).join(' | ') || 'hdiutil said nothing');
  const texts = (key: string) =>
    entities.flatMap((entity) => {
      const value = plistValue(entity, key);
      return typeof value === 'string' ? [value] : [];
    });
  const [device] = texts('dev-entry').toSorted((a, b) => a.length - b.length);
  if (device === undefined) throw failed(target, 'hdiutil named no device');
  const volumes = texts('mount-point').map((place) => realpathOr(place));
  const [volume = null] = volumes;
  const isOurs = volume?.startsWith(`${places}/`) === true && volumes.length === 1;
  return { device, volume: isOurs ? volume : null };
}

function realpathOr(place: string): string {
  try {
    return realpathSync(place);
  } catch {
    return place;
  }
}

/** Something may still look into it, an indexer for one. */
async function detach(device: string, target: string, { run, hdiutil }: ImageParts): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const args = ['detach', device, ...(tries === DETACH_TRIES ? ['-force'] : [])];
    const answer = await run({ program: hdiutil, args, timeout: ATTACH_TIMEOUT });
    if (answer.code === 0) return;
    if (tries === DETACH_TRIES)
      throw failed(target, `it cannot be detached: ${answer.lastLines.slice(-2).join(' | ')}`);
    await sleep(DETACH_PAUSE);
  }
}

function failed(target: string, why: string): D3Error {
  return new D3Error('DISK_IMAGE', 'installerFailed', `The disk image cannot be used: ${why}.`, {
    target,
    actions: ['try it by hand: hdiutil attach -readonly FILE; one with a licence to agree to cannot be used'],
  });
}
