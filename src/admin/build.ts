import { statSync } from 'node:fs';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { translated } from '../installers/pkg.ts';
import { type ProgramAnswer, type RunProgram, runProgram } from '../platform/program.ts';
import { MAC_PROGRAMS } from '../platform/programs.ts';
import { temporaryFolder } from '../platform/work-folder.ts';
import type { AdminSession } from './session.ts';

/** How a package is built from a folder that stands for the root of the target. */
export interface BuildChoices {
  /** A disk image instead of a package. */
  dmg?: boolean | undefined;
  /** Identifier of the package; proposed when absent. */
  packageId?: string | undefined;
  preserveOwners?: boolean | undefined;
  /** Folder to build in; a temporary one when absent. */
  workspace?: string | undefined;
  /** Absolute path on the target that the folder stands for; `/` when absent. */
  installLocation?: string | undefined;
  /** Folder of scripts to go inside the package. */
  scriptsFolder?: string | undefined;
  /** Identity to sign with, as the keychain of a Mac has it. */
  signingIdentity?: string | undefined;
  /** Further words for `productsign`. */
  signingOptions?: string | undefined;
}

/** What only a Mac has; a port, so that tests put stand-ins there. */
export interface BuildTools {
  platform: NodeJS.Platform;
  run: RunProgram;
  hdiutil: string;
  productsign: string;
}

export function buildToolsHere(): BuildTools {
  const { hdiutil, productsign } = MAC_PROGRAMS;
  return { platform: process.platform, run: runProgram, hdiutil, productsign };
}

const BUILD_FLAGS = {
  dmg: '-D/--dmg',
  packageId: '-p/--pkg-id',
  workspace: '-W/--workspace',
  preserveOwners: '--preserve-owners',
  installLocation: '--install-location',
  scriptsFolder: '--scripts-folder',
  signingIdentity: '--signing-id',
  signingOptions: '--signing-opts',
} as const satisfies Record<keyof BuildChoices, string>;

const TIMEOUT = 60 * 60 * 1000;

/** All that is wrong with how a package is to be built, each naming its flag. */
export function buildProblems(choices: BuildChoices, tools: BuildTools): D3Error[] {
  const problems: D3Error[] = [];
  const wrong = (
    flag: keyof BuildChoices,
    code: string,
    text: string,
    exit: 'usage' | 'refused' = 'usage',
    actions: string[] = [],
  ) => problems.push(new D3Error(code, exit, text, { target: BUILD_FLAGS[flag], actions }));
  const { dmg, packageId, workspace, installLocation, scriptsFolder, signingIdentity, signingOptions } = choices;
  if (workspace !== undefined && !isFolder(workspace))
    wrong('workspace', 'WORKSPACE_ABSENT', `There is no folder at ${workspace}.`);
  if (packageId !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._+-]{0,254}$/.test(packageId))
    wrong('packageId', 'PKG_ID', `"${packageId}" is no identifier such as org.example.tool.`);
  if (installLocation !== undefined && (!installLocation.startsWith('/') || /\p{Cc}/u.test(installLocation)))
    wrong('installLocation', 'INSTALL_LOCATION', `install location "${installLocation}" must be absolute`);
  if (scriptsFolder !== undefined && !isFolder(scriptsFolder))
    wrong('scriptsFolder', 'SCRIPTS_ABSENT', `There is no folder at ${scriptsFolder}.`);
  if (signingOptions !== undefined && wordsOf(signingOptions) === null)
    wrong('signingOptions', 'SIGNING_OPTIONS', 'a quotation mark in the signing options has no end');
  const mac = tools.platform === 'darwin';
  const elsewhere = ['leave it out', 'or add it on a Mac'];
  if (dmg === true && !mac) {
    const text = `A disk image can be built by a Mac's own hdiutil only, and this is ${tools.platform}.`;
    wrong('dmg', 'NO_DMG', text, 'refused', ['leave it out to build a package', 'or add it on a Mac']);
  }
  if (signingIdentity !== undefined && !mac) {
    const text = `A package can be signed by a Mac's own productsign only, and this is ${tools.platform}.`;
    wrong('signingIdentity', 'NO_SIGNING', text, 'refused', elsewhere);
  }
  for (const flag of ['installLocation', 'scriptsFolder', 'signingIdentity'] as const) {
    if (dmg === true && choices[flag] !== undefined)
      wrong(flag, 'NOT_IN_DMG', 'a disk image has no install location, no scripts and no signature of its own');
  }
  return problems;
}

/** The flags of a build that say nothing where no package is built. */
export function idleBuildFlags(choices: BuildChoices, isImage: boolean): string[] {
  return (Object.keys(BUILD_FLAGS) as (keyof BuildChoices)[])
    .filter((flag) => choices[flag] !== undefined && choices[flag] !== false && !(flag === 'packageId' && isImage))
    .map((flag) => BUILD_FLAGS[flag]);
}

export interface Built {
  /** The package file or disk image. */
  path: string;
  format: 'pkg' | 'dmg';
  /** Removes it with everything made on the way. */
  discard: () => void;
}

/** @param choices checked by {@link buildProblems} */
export async function buildFrom(
  root: string,
  { basename, version, identifier }: { basename: string; version: string; identifier: string },
  choices: BuildChoices,
  tools: BuildTools,
  session: AdminSession,
): Promise<Built> {
  const { path: folder, remove: discard } = temporaryFolder(choices.workspace ?? null, 'd3-build-');
  const format = choices.dmg === true ? 'dmg' : 'pkg';
  const output = path.join(folder, `${basename}.${format}`);
  const { preserveOwners = false, installLocation, scriptsFolder } = choices;
  try {
    const what = format === 'dmg' ? 'a disk image' : `a package (${identifier} ${version})`;
    session.report({ type: 'detail', target: root, text: `building ${what}` });
    if (format === 'dmg') {
      await image(root, output, `${basename}-${version}`, preserveOwners, tools, session);
      return { path: output, format, discard };
    }
    await translated(root, () =>
      build({
        root,
        output,
        identifier,
        version,
        owners: preserveOwners ? 'preserve' : 'recommended',
        ...(installLocation === undefined ? {} : { installLocation }),
        ...(scriptsFolder === undefined ? {} : { scripts: path.resolve(scriptsFolder) }),
        signal: session.signal,
      }),
    );
    return { path: await signed(output, choices, tools, session), format, discard };
  } catch (error) {
    discard();
    throw error;
  }
}

async function image(
  root: string,
  output: string,
  name: string,
  preserveOwners: boolean,
  { run, hdiutil }: BuildTools,
  { signal }: AdminSession,
): Promise<void> {
  const owners = ['-srcowners', preserveOwners ? 'on' : 'off'];
  const args = ['create', '-quiet', '-format', 'UDZO', '-fs', 'HFS+', ...owners, '-volname', name, '-srcfolder', root];
  const answer = await run({ program: hdiutil, args: [...args, output], timeout: TIMEOUT, signal });
  if (answer.code !== 0) throw failed('DMG_FAILED', root, 'The disk image could not be built', answer);
}

async function signed(
  file: string,
  { signingIdentity, signingOptions = '' }: BuildChoices,
  { run, productsign }: BuildTools,
  { signal }: AdminSession,
): Promise<string> {
  if (signingIdentity === undefined) return file;
  const output = file.replace(/\.pkg$/, '-signed.pkg');
  const args = ['--sign', signingIdentity, ...(wordsOf(signingOptions) ?? []), file, output];
  const answer = await run({ program: productsign, args, timeout: TIMEOUT, signal });
  if (answer.code !== 0) throw failed('SIGNING_FAILED', signingIdentity, 'The package could not be signed', answer);
  return output;
}

function failed(code: string, target: string, text: string, { lastLines, timedOut }: ProgramAnswer): D3Error {
  const why = timedOut ? 'it took more than an hour' : lastLines.slice(-3).join(' | ') || 'it gave no reason';
  return new D3Error(code, 'failed', `${text}: ${why}.`, {
    target,
    actions: ['nothing was added; mend that, and repeat'],
  });
}

/** Words as a shell would see them, quoted ones whole. @returns null when a quotation has no end */
function wordsOf(text: string): string[] | null {
  const words = text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  const plain = text.replaceAll(/"[^"]*"|'[^']*'/g, '');
  return /["']/.test(plain) ? null : words.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

function isFolder(at: string): boolean {
  return statSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
}
