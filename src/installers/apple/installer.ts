import { realpathSync, type Stats } from 'node:fs';
import { D3Error } from '@d3/sdk';
import type { Edition } from '../../catalog/types.ts';
import type { Receipt } from '../../planner/receipt.ts';
import type { InstallTarget, PreparedInstall } from '../driver.ts';
import { endedBadly, INSTALLER_TIMEOUT, type InstallerParts, pinned } from '../parts.ts';
import { appleProgress } from './progress.ts';
import { applePaths, appleReceipt, forgetApple } from './receipts.ts';

interface ForApple {
  edition: Edition;
  file: string;
  /** Of the very file that was verified. */
  verified: Stats;
  /** From the bills of materials; the receipts count once there are any. */
  expected: PreparedInstall['paths'];
}

/** A flat package for the Mac's own root, to be put there by Apple's installer, which runs its scripts. */
export function prepareForApple(
  { edition, file, verified, expected }: ForApple,
  { force, say, advance, root }: InstallTarget,
  parts: InstallerParts,
): PreparedInstall {
  const unchanged = pinned(verified, file, edition.edition);
  const ids = edition.applePackages.map(({ id }) => id);
  return {
    paths: expected,
    warnings: [],
    async commit() {
      if (force) {
        for (const id of ids) {
          const problem = await forgetApple(id, parts);
          if (problem !== null) throw failed(edition, problem);
        }
      }
      unchanged();
      await runInstaller(file, edition, { say, advance }, parts);
      return { paths: await pathsNow(ids, expected, root, parts), replacedAll: false };
    },
    rollback: () => Promise.resolve(),
  };
}

async function runInstaller(
  file: string,
  edition: Edition,
  { say, advance }: Pick<InstallTarget, 'say' | 'advance'>,
  { run, mac }: InstallerParts,
): Promise<void> {
  const answer = await run({
    program: mac.installer,
    // It follows no link to a package.
    args: ['-pkg', realpathSync(file), '-target', '/', '-verboseR'],
    timeout: INSTALLER_TIMEOUT,
    environment: { COMMAND_LINE_INSTALL: '1' },
    onLine: appleProgress({ say, percent: advance }),
  });
  // Its words are in the language of the machine, and 100 percent is no success: the exit code decides.
  if (answer.code !== 0) throw failed(edition, endedBadly("Apple's installer", answer));
}

/** What the receipts say; what only the bills of materials know counts as long as no receipt says otherwise. */
async function pathsNow(
  ids: readonly string[],
  expected: PreparedInstall['paths'],
  root: string,
  parts: InstallerParts,
): Promise<PreparedInstall['paths'] | null> {
  const found = new Map<string, PreparedInstall['paths'][number]>();
  for (const id of ids) {
    const receipt = await appleReceipt(id, parts);
    // A package without a payload leaves no receipt.
    if (receipt === null) continue;
    for (const entry of await applePaths(receipt, root, parts)) found.set(entry.path, entry);
  }
  return found.size === 0 && expected.length > 0 ? null : [...found.values()];
}

function failed({ edition }: Edition, text: string): D3Error {
  return new D3Error('APPLE_INSTALLER', 'installerFailed', `The package could not be installed: ${text}.`, {
    target: edition,
    actions: ["see the installer's own log, /var/log/install.log"],
  });
}

/** Has the Mac forget the packages of a receipt whose files d3 has removed. @returns what went wrong, in words */
export async function forgetReceipt({ applePackageIds }: Receipt, parts: InstallerParts): Promise<string[]> {
  const problems: string[] = [];
  for (const id of applePackageIds ?? []) {
    const problem = await forgetApple(id, parts).catch((error: Error) => error.message);
    if (problem !== null) problems.push(problem);
  }
  return problems;
}
