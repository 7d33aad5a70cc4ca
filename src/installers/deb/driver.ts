import { existsSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import type { DebianPackage } from '../../catalog/types.ts';
import type { Drift, Receipt } from '../../planner/receipt.ts';
import { openRootFs } from '../../platform/rootfs.ts';
import type { InstalledPath, InstallerDriver, InstallTarget } from '../driver.ts';
import { type InstallerParts, pinned } from '../parts.ts';
import { checkSignature } from '../signature.ts';
import type { Control } from './control.ts';
import { type Dpkg, dpkgOf } from './dpkg.ts';
import type { DebSummary } from './inspect.ts';
import { type InstalledPackage, unmetRelations } from './relations.ts';
import { compareVersions } from './version.ts';

/** States in which dpkg has nothing of a package but perhaps its configuration files. */
const NOT_THERE = ['not-installed', 'config-files'];

/**
 * Debian packages, by dpkg: it runs their scripts, keeps its own records and takes them away again. All that can be known is
 * looked at before it is started.
 */
export function debDriver(parts: InstallerParts): InstallerDriver {
  return {
    format: 'deb',
    installedBy: () => 'system',
    async prepare({ edition, path: file, handle }, target) {
      const name = edition.edition;
      const dpkg = dpkgOf(target.root, parts);
      const { inspectDeb } = await import('./inspect.ts');
      const summary = await inspectDeb(handle, name);
      await checkSignature(file, edition, parts);
      refuseScripts(summary, target.root, parts, name);
      await refuseArchitecture(summary.control, dpkg, name);
      refuseForThePackagesThere(summary.control, await dpkg.packages(), target, name);
      const unchanged = pinned(await handle.stat(), file, name);
      return {
        paths: summary.entries,
        warnings: [],
        async commit() {
          unchanged();
          await dpkg.install(file, name, target.say);
          return { paths: await pathsOf(summary.control, dpkg, target.root), replacedAll: true };
        },
        rollback: () => Promise.resolve(),
      };
    },
    async recover({ edition, root, begun }) {
      const { debianPackage } = edition;
      if (!begun || debianPackage === undefined) return 'none';
      const dpkg = dpkgOf(root, parts);
      const there = thatIsThere(await dpkg.packages(), debianPackage);
      // What was unpacked and not set up is set up first; whatever it comes to, the install is repeated.
      if (there !== undefined && there.status !== 'installed') {
        await dpkg.configure(edition.edition).catch((error: unknown) => {
          if (error instanceof D3Error && error.exit === 'busy') throw error;
        });
      }
      return 'none';
    },
    async uninstall(receipt, root, force) {
      const { debianPackage, edition } = receipt;
      if (debianPackage === undefined) return false;
      const dpkg = dpkgOf(root, parts);
      const there = thatIsThere(await dpkg.packages(), debianPackage);
      if (there === undefined) return true;
      if (there.version !== debianPackage.version && !force) throw changedBehind(edition, there, debianPackage.version);
      await dpkg.remove(there, edition);
      return true;
    },
    async drift(receipts, root) {
      const packages = await dpkgOf(root, parts).packages();
      return receipts.flatMap((receipt) => driftOf(receipt, packages) ?? []);
    },
  };
}

/** Of a package that is there for several processors at once, the one for this. */
function thatIsThere(
  packages: readonly InstalledPackage[],
  { name, architecture }: Pick<DebianPackage, 'name' | 'architecture'>,
): InstalledPackage | undefined {
  const there = packages.filter((pkg) => pkg.name === name && !NOT_THERE.includes(pkg.status));
  const same = there.find((pkg) => pkg.architecture === architecture);
  return same ?? there.find((pkg) => pkg.multiArch !== 'same');
}

function driftOf({ basename, debianPackage, settled }: Receipt, packages: readonly InstalledPackage[]): Drift | null {
  if (debianPackage === undefined || (settled !== undefined && settled !== null)) return null;
  const { name, version: recorded } = debianPackage;
  const found = thatIsThere(packages, debianPackage)?.version ?? null;
  return found === recorded ? null : { basename, package: name, recorded, found };
}

/** dpkg runs a package's scripts inside the root, as root. */
function refuseScripts({ scripts }: DebSummary, root: string, { uid }: InstallerParts, edition: string): void {
  if (scripts.length === 0 || root === '/') return;
  const why =
    uid !== 0
      ? 'which dpkg runs as root only'
      : existsSync(path.join(root, 'bin', 'sh'))
        ? null
        : `and there is no system in ${root} to run them`;
  if (why === null) return;
  throw new D3Error('PACKAGE_HAS_SCRIPTS', 'refused', `The package carries scripts (${scripts.join(', ')}), ${why}.`, {
    target: edition,
    actions: ['install it as root, on the machine itself or into a root that holds a whole system'],
  });
}

async function refuseArchitecture({ architecture, name }: Control, dpkg: Dpkg, edition: string): Promise<void> {
  if (architecture === 'all') return;
  const known = await dpkg.architectures();
  if (known.includes(architecture)) return;
  const text = `The package ${name} is for ${architecture}; dpkg here installs for ${known.join(', ')}.`;
  throw new D3Error('WRONG_ARCHITECTURE', 'refused', text, { target: edition });
}

function refuseForThePackagesThere(
  control: Control,
  packages: readonly InstalledPackage[],
  { force, replaces, removeFirst }: InstallTarget,
  edition: string,
): void {
  const { name, version } = control;
  const old = replaces?.settled ? undefined : replaces?.debianPackage;
  if (replaces !== null && old?.name !== name && !removeFirst && !replaces.settled) {
    throw new D3Error(
      'OTHER_PACKAGE',
      'refused',
      `The edition ${replaces.edition} is here as ${old?.name ?? `a .${replaces.file.format}`}: dpkg would put ${name} beside it.`,
      {
        target: edition,
        actions: [`have the old one removed first: d3admin edit ${edition} --remove-first y`],
      },
    );
  }
  const there = thatIsThere(packages, control);
  if (there !== undefined && there.version !== version && !force) {
    if (old?.name === name && there.version !== old.version) throw changedBehind(edition, there, old.version);
    if (old?.name !== name && compareVersions(there.version, version) > 0) {
      throw new D3Error(
        'NEWER_THERE',
        'refused',
        `The package ${name} ${there.version} is here, which is newer than ${version}, and d3 did not install it.`,
        {
          target: edition,
          actions: ['use -f to put the older one in its place'],
        },
      );
    }
  }
  const gone = removeFirst && old !== undefined ? [old.name] : [];
  const unmet = unmetRelations(control, packages, gone);
  if (unmet.length === 0) return;
  throw new D3Error(
    'DEPENDENCIES',
    'refused',
    `The package ${name} ${version} cannot be installed here: ${unmet.join('; ')}.`,
    {
      target: edition,
      actions: ['nothing was changed; install what it needs first'],
    },
  );
}

function changedBehind(edition: string, { name, version }: InstalledPackage, recorded: string): D3Error {
  const text = `The package ${name} ${version} is here, where d3 had put ${recorded}: somebody else changed it.`;
  return new D3Error('DRIFTED', 'refused', text, {
    target: edition,
    actions: ['use -f to do it all the same'],
  });
}

/** What dpkg has on record and is really there: its configuration may leave files out. */
async function pathsOf(control: Control, dpkg: Dpkg, root: string): Promise<InstalledPath[]> {
  const rootfs = openRootFs(root);
  const paths = new Set(await dpkg.files(control));
  return [...paths].flatMap((at) => {
    const there = rootfs.describe(at);
    return there === null ? [] : [{ path: at, ...there }];
  });
}
