import { D3Error } from '@d3/sdk';
import { debDriver } from './deb/driver.ts';
import { dmgDriver } from './dmg/driver.ts';
import type { InstallerDriver, OfFormat } from './driver.ts';
import type { InstallerParts } from './parts.ts';
import { pkgDriver } from './pkg.ts';

export type { Committed, InstallerDriver, InstallTarget, PreparedInstall } from './driver.ts';
export { formatsHere, type InstallerParts, installerParts } from './parts.ts';
export { recoverStaged } from './pkg.ts';

/** Chooses the driver for the file of an edition or a receipt. @throws D3Error refused (30) when this d3 has none */
export type DriverFor = (of: OfFormat) => InstallerDriver;

export function drivers(parts: InstallerParts): DriverFor {
  const known = [pkgDriver(parts), debDriver(parts), dmgDriver(parts)];
  return ({ edition, file }) => {
    const driver = known.find((candidate) => candidate.format === file.format);
    if (driver !== undefined) return driver;
    throw new D3Error('NO_DRIVER', 'refused', `This version of d3 cannot install a .${String(file.format)}.`, {
      target: edition,
      actions: ['update d3 on this machine'],
    });
  };
}
