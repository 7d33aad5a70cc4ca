import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Edition } from '../../catalog/types.ts';
import { withDiskImage } from '../../platform/disk-image.ts';
import { dropWorkFolder, takeWorkFolder } from '../../platform/work-folder.ts';
import type { InstallerDriver, InstallTarget, PreparedInstall } from '../driver.ts';
import { type InstallerParts, isApples, pinned } from '../parts.ts';
import { pathsByBoms, recoverStaged, stagePackage, translated } from '../pkg.ts';
import { checkSignature } from '../signature.ts';
import { checkImage } from './koly.ts';

/** What a volume has for itself, which nobody means to install. */
const OF_THE_VOLUME = [
  '.DS_Store',
  '.DocumentRevisions-V100',
  '.HFS+ Private Directory Data\r',
  '.Spotlight-V100',
  '.TemporaryItems',
  '.Trashes',
  '.VolumeIcon.icns',
  '.apdisk',
  '.background',
  '.fseventsd',
  '.journal',
  '.journal_info_block',
];

/**
 * Disk images as Casper knew them: the volume is a root folder, and all that is in it goes to the same place on the machine.
 * Only a Mac can attach one. Its files are packed, and the package is then installed as any other is: all or nothing in a root
 * folder, by Apple's installer on a Mac's own root.
 */
export function dmgDriver(parts: InstallerParts): InstallerDriver {
  const { work } = parts;
  return {
    format: 'dmg',
    installedBy: (root) => (isApples(parts, root) ? 'system' : 'd3'),
    async prepare({ edition, path: file, handle }, target) {
      const name = edition.edition;
      if (parts.platform !== 'darwin') throw needsMac(name);
      await checkImage(handle, name);
      await checkSignature(file, edition, parts);
      pinned(await handle.stat(), file, name)();
      const packed = path.join(takeWorkFolder(work, target.staging), 'volume.pkg');
      const drop = () => dropWorkFolder(work, target.staging);
      try {
        await packImage(file, packed, edition, target.signal, parts);
        const prepared = await preparePacked(packed, edition, target, parts);
        return isApples(parts, target.root) ? droppingAfter(prepared, drop) : prepared;
      } catch (error) {
        drop();
        throw error;
      } finally {
        if (!isApples(parts, target.root)) drop();
      }
    },
    async recover({ root, staging }) {
      dropWorkFolder(work, staging);
      return isApples(parts, root) ? 'none' : recoverStaged(root, staging);
    },
    async forget(receipt, root) {
      return isApples(parts, root) ? (await import('../apple/installer.ts')).forgetReceipt(receipt, parts) : [];
    },
  };
}

async function preparePacked(
  packed: string,
  edition: Edition,
  target: InstallTarget,
  parts: InstallerParts,
): Promise<PreparedInstall> {
  if (!isApples(parts, target.root)) return stagePackage(edition, packed, target);
  const { prepareForApple } = await import('../apple/installer.ts');
  const expected = await pathsByBoms(edition.edition, packed);
  return prepareForApple({ edition, file: packed, verified: lstatSync(packed), expected }, target, parts);
}

/** Apple's installer reads the package when it installs it. */
function droppingAfter(prepared: PreparedInstall, drop: () => void): PreparedInstall {
  return {
    ...prepared,
    commit: () => prepared.commit().finally(drop),
    rollback: () => prepared.rollback().finally(drop),
  };
}

async function packImage(
  file: string,
  packed: string,
  { edition, applePackages }: Edition,
  signal: AbortSignal,
  { run, mac, work }: InstallerParts,
): Promise<void> {
  const [{ id, version } = { id: `d3.${edition}`, version: '0' }] = applePackages;
  await withDiskImage(file, edition, { run, hdiutil: mac.hdiutil, work }, (volume) => {
    refuseDragImage(volume, edition);
    return translated(edition, async () => {
      const { build } = await import('@d3/flatpkg');
      const leaveOut = (name: string) => OF_THE_VOLUME.includes(name);
      const asItIs = { owners: 'preserve', times: 'preserve', leaveOut, signal } as const;
      await build({ root: volume, output: packed, identifier: id, version, ...asItIs });
    });
  });
}

/** An image that shows an application and a link to drag it to is no root folder: its files would lie at the top of the disk. */
function refuseDragImage(volume: string, edition: string): void {
  const odd = readdirSync(volume).find((name) => /\.(?:app|m?pkg|prefPane)$/i.test(name));
  if (odd === undefined) return;
  throw new D3Error(
    'DMG_NO_ROOT',
    'refused',
    `The volume has ${odd} at its top, so that it is no root folder to be copied.`,
    {
      target: edition,
      actions: [
        'make a folder that stands for the root (Applications/NAME.app in it), and add that: d3admin add -s FOLDER',
      ],
    },
  );
}

function needsMac(target: string): D3Error {
  return new D3Error('DMG_NEEDS_MAC', 'refused', 'Only a Mac can open a disk image (.dmg).', {
    target,
    actions: ['add the product as a flat .pkg, or as a folder: d3admin add -s FOLDER'],
  });
}
