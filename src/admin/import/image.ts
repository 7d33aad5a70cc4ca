import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { copyFromImage, withDiskImage } from '../../platform/disk-image.ts';
import { temporaryFolder } from '../../platform/work-folder.ts';
import type { BuildTools } from '../build.ts';
import { checkImageFile } from '../package-file.ts';
import type { ImageContent, ImageCopy } from './types.ts';

/** A disk image of a repository, and what of it is installed. */
interface Image {
  file: string;
  /** What the image has to be, in lower-case hex; null: nobody knows. */
  sha256: string | null;
  holds: ImageContent;
}

/**
 * Opens a disk image for the time of some work, which only a Mac can.
 * @param work is given a package that is in it, or a folder that stands for the root of a Mac with what is to be copied
 * @throws D3Error verificationFailed (33) for another file than it should be, and for an image without what it should hold
 */
export async function withImageContent<Result>(
  { file, sha256, holds }: Image,
  target: string,
  { tools: { run, hdiutil }, signal }: { tools: BuildTools; signal: AbortSignal },
  work: (source: string) => Promise<Result>,
): Promise<Result> {
  await checkImageFile(file, sha256, target, signal);
  const { path: folder, remove } = temporaryFolder(null, 'd3-import-');
  try {
    return await withDiskImage(file, target, { run, hdiutil, work: folder }, async (volume) => {
      if ('package' in holds) return work(packageIn(volume, holds.package, target));
      const root = path.join(folder, 'root');
      for (const copy of holds.copies) copyInto(root, volume, copy, target);
      return work(root);
    });
  } finally {
    remove();
  }
}

/** @param named below the volume; null: the only package at its top */
function packageIn(volume: string, named: string | null, target: string): string {
  const packages = readdirSync(volume).filter((name) => /\.m?pkg$/i.test(name));
  const [only] = packages;
  if (named !== null) return inVolume(volume, named, target);
  if (only === undefined || packages.length > 1)
    throw wrong(target, `the image has ${packages.length === 0 ? 'no package' : 'several packages'} at its top`);
  return inVolume(volume, only, target);
}

function copyInto(root: string, volume: string, { source, folder, name }: ImageCopy, target: string): void {
  const from = inVolume(volume, source, target);
  try {
    copyFromImage(from, path.join(root, folder), name);
  } catch (error) {
    throw wrong(target, `${source} cannot be copied: ${(error as Error).message}`);
  }
}

/** A file or folder that lies in the volume itself: a link would lead to whatever this machine has there. */
function inVolume(volume: string, named: string, target: string): string {
  const at = path.join(volume, named);
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (stat === undefined) throw wrong(target, `the image has no ${named}`);
  if (!(stat.isFile() || stat.isDirectory()) || realpathSync(at) !== at)
    throw wrong(target, `${named} of the image is a link, or behind one`);
  return at;
}

function wrong(target: string, why: string): D3Error {
  return new D3Error('MUNKI_IMAGE', 'verificationFailed', `The disk image cannot be used: ${why}.`, {
    target,
    actions: ['mend the pkginfo or the image, and import again'],
  });
}
