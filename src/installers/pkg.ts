import type { FileHandle } from 'node:fs/promises';
import type { FlatpkgError, PackageSummary } from '@d3/flatpkg';
import { D3Error, type ExitName } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import type { InstalledPath, InstallerDriver, InstallTarget, PreparedInstall } from './driver.ts';
import { type InstallerParts, isApples } from './parts.ts';
import { checkSignature } from './signature.ts';

const EXIT_OF_KIND: Record<FlatpkgError['kind'], ExitName> = {
  damaged: 'verificationFailed',
  refused: 'refused',
  unsupported: 'refused',
  usage: 'usage',
  io: 'installerFailed',
};

/** Flat packages: a Mac's own root is left to Apple's installer, every other one is flatpkg's. */
export function pkgDriver(parts: InstallerParts): InstallerDriver {
  return {
    format: 'pkg',
    installedBy: (root) => (isApples(parts, root) ? 'system' : 'd3'),
    async prepare({ edition, path, handle }, target) {
      await checkSignature(path, edition, parts);
      if (!isApples(parts, target.root)) return stagePackage(edition, handle, target);
      const { prepareForApple } = await import('./apple/installer.ts');
      const expected = await pathsByBoms(edition.edition, handle);
      return prepareForApple({ edition, file: path, verified: await handle.stat(), expected }, target, parts);
    },
    // Where Apple's installer was cut, there is nothing of d3's to clear up: the install is repeated.
    recover: async ({ root, staging }) => (isApples(parts, root) ? 'none' : recoverStaged(root, staging)),
    async forget(receipt, root) {
      return isApples(parts, root) ? (await import('./apple/installer.ts')).forgetReceipt(receipt, parts) : [];
    },
  };
}

/**
 * Unpacks a package beside the target, to be moved into place all or nothing.
 * @throws D3Error refused (30) when it carries scripts and the edition does not go without them
 */
export async function stagePackage(
  edition: Edition,
  file: FileHandle | string,
  { root, staging, signal }: InstallTarget,
): Promise<PreparedInstall> {
  return translated(edition.edition, async () => {
    const { inspect, stage } = await flatpkg();
    refuseScripts(edition, await inspect(file));
    const allowSetuid = edition.setuid === 'keep';
    const staged = await stage(file, { root, stagingName: staging, allowSetuid, signal });
    return {
      paths: staged.entries.map(({ absolute, type, mode, size, target }) => ({
        path: absolute,
        type,
        mode,
        size,
        target,
      })),
      warnings: staged.warnings,
      commit: () =>
        translated(edition.edition, async () => {
          await staged.commit();
          return { paths: null, replacedAll: false };
        }),
      rollback: () => translated(edition.edition, () => staged.rollback()),
    };
  });
}

/** What the bills of materials of a package say it will put where. */
export async function pathsByBoms(edition: string, file: FileHandle | string): Promise<InstalledPath[]> {
  const places = await translated(edition, async () => (await flatpkg()).listBoms(file));
  return places.map(({ absolute, ...rest }) => ({ path: absolute, ...rest }));
}

/** Clears up what a cut run left of a staged package. @param staging the name of its folder */
export function recoverStaged(root: string, staging: string): Promise<'none' | 'rolled-back' | 'completed'> {
  return translated(staging, async () => {
    const { recoverStaging } = await flatpkg();
    return recoverStaging(root, staging);
  });
}

/** Loaded once there is a package to work on. */
function flatpkg() {
  return import('@d3/flatpkg');
}

/**
 * Runs work on a package and turns its errors into d3's.
 * @param target the edition or file the work is about
 */
export async function translated<Result>(target: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { FlatpkgError } = await flatpkg();
    if (!(error instanceof FlatpkgError)) throw error;
    throw new D3Error(error.code, EXIT_OF_KIND[error.kind], error.message, { target, cause: error });
  }
}

function refuseScripts(edition: Edition, summary: PackageSummary): void {
  const scripts = summary.components.flatMap((component) => (component.selected ? component.scripts : []));
  if (scripts.length === 0 || edition.packageScripts === 'ignore') return;
  throw new D3Error(
    'PACKAGE_HAS_SCRIPTS',
    'refused',
    `The package carries scripts of its own (${scripts.join(', ')}), which only a Mac's installer runs.`,
    {
      target: edition.edition,
      actions: [`to install it without them: d3admin edit ${edition.edition} --package-scripts ignore`],
    },
  );
}
