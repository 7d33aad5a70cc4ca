import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { verify } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { cpuOfDebian } from '../catalog/limits.ts';
import type { ApplePackage, DebianPackage, PackageFormat } from '../catalog/types.ts';
import type { PackageContents } from '../depot/contract.ts';
import type { BlobInfo } from '../depot/index.ts';
import { inspectDeb } from '../installers/deb/inspect.ts';
import { checkImage } from '../installers/dmg/koly.ts';
import { translated } from '../installers/pkg.ts';
import { type BuildChoices, type BuildTools, buildFrom } from './build.ts';
import type { AdminSession } from './session.ts';

/** A package file that was taken into the depot, where no edition has it yet. */
export interface SourcePackage {
  stored: BlobInfo;
  format: PackageFormat;
  applePackages: ApplePackage[];
  /** Null unless it is a .deb. */
  debianPackage: DebianPackage | null;
  /** Null where it cannot be listed: what is in a disk image only a Mac can tell. */
  contents: PackageContents | null;
  warnings: string[];
}

/** What is known of a package file by looking into it. */
type Examined = Omit<SourcePackage, 'stored'>;

export interface SourceOptions {
  /** A .pkg, .deb or .dmg file, or a folder that stands for the root of the target machine. */
  source: string;
  basename: string;
  version: string;
  /** Identifier for a package built here. */
  identifier: string;
  choices: BuildChoices;
  tools: BuildTools;
  /** What a file has to be, in lower-case hex; null: nobody knows. */
  sha256?: string | null;
}

/** @returns what is wrong with a source path as typed, or null */
export function sourceProblem(source: string): D3Error | null {
  const wrong = (code: string, text: string, actions: string[] = []) =>
    new D3Error(code, 'usage', text, { target: '-s/--source-path', actions });
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined) return wrong('SOURCE_ABSENT', `there is nothing at ${source}`);
  if (stat.isDirectory()) {
    return /\.m?pkg$/i.test(source) ? bundle(source, 'zip it, then: d3 pkg extract FILE.zip --to DIR') : null;
  }
  if (stat.isFile() && formatOf(source) !== null) return null;
  return wrong('SOURCE_UNUSABLE', `${source} is neither a .pkg, .deb or .dmg nor a folder to build a package from`);
}

/** By the end of its name; null for what is none. */
export function formatOf(source: string): PackageFormat | null {
  const ending = /\.(pkg|deb|dmg)$/i.exec(source)?.[1]?.toLowerCase();
  return (ending as PackageFormat | undefined) ?? null;
}

/** @param extract how its payload comes into a folder: bundles are read from a zip alone */
function bundle(source: string, extract: string): D3Error {
  return new D3Error(
    'SOURCE_IS_BUNDLE',
    'usage',
    `${source} is a bundle-style package, which machines no longer install`,
    { target: '-s/--source-path', actions: [`${extract}, then d3 pkg build DIR ${BUILD_FLAGS}`] },
  );
}

/** What `d3 pkg build` must be told of a package; `d3 pkg inspect` shows it of the old one. */
const BUILD_FLAGS = '--identifier ID --pkg-version VERSION --install-location PLACE --output NEW.pkg';

/**
 * Takes a package file into the depot, or one built from a root folder, and checks it through and through there: what is
 * checked is what machines will get, whatever becomes of the source meanwhile.
 * @throws D3Error 33 when it is damaged; it is out of the depot again then
 */
export async function sourcePackage(options: SourceOptions, session: AdminSession): Promise<SourcePackage> {
  const { source } = options;
  if (statSync(source).isDirectory()) return built(options, session);
  const format = formatOf(source);
  return takenIn(source, options.sha256 ?? null, session, (at) =>
    format === 'deb'
      ? examinedDeb(source, at)
      : format === 'dmg'
        ? examinedImage(options, at)
        : examined(source, at, session.signal),
  );
}

async function takenIn(
  file: string,
  wanted: string | null,
  session: AdminSession,
  examine: (at: string) => Promise<Examined>,
): Promise<SourcePackage> {
  const { blobs } = session.depot;
  const stored = await blobs.put(file);
  try {
    if (wanted !== null && wanted !== stored.sha256) throw otherFile(file, wanted, stored.sha256);
    return { stored, ...(await blobs.withFile(stored.sha256, examine)) };
  } catch (error) {
    await session.depot.removeUnused([stored.sha256]);
    throw error;
  }
}

/**
 * Looks at a disk image before anything opens it.
 * @param wanted what it has to be, in lower-case hex; null: nobody knows
 * @throws D3Error verificationFailed (33) for another file, or no sound image
 */
export async function checkImageFile(
  file: string,
  wanted: string | null,
  target: string,
  signal: AbortSignal,
): Promise<void> {
  await withFile(file, async (handle) => {
    await checkImage(handle, target);
    if (wanted === null) return;
    const hash = createHash('sha256');
    for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, signal })) hash.update(chunk);
    const found = hash.digest('hex');
    if (found !== wanted) throw otherFile(file, wanted, found);
  });
}

function otherFile(file: string, wanted: string, found: string): D3Error {
  return new D3Error('SOURCE_DIFFERS', 'verificationFailed', `${file} is not the file it should be.`, {
    target: file,
    actions: [`its SHA-256 is ${found}, and should be ${wanted}`, 'get it again from where it comes from'],
  });
}

async function built(options: SourceOptions, session: AdminSession): Promise<SourcePackage> {
  const { source, choices, tools } = options;
  const { path: file, format, discard } = await buildFrom(source, options, choices, tools, session);
  try {
    return await takenIn(file, null, session, (at) =>
      format === 'dmg' ? examinedImage({ ...options, source: file }, at) : examined(file, at, session.signal),
    );
  } finally {
    discard();
  }
}

/** @param at where it is now; it is called `file` */
async function examined(file: string, at: string, signal: AbortSignal): Promise<Examined> {
  return translated(file, async () => {
    const { summary, entries, warnings } = await verify(at, { signal });
    if (summary.format === 'bundle') throw bundle(file, `d3 pkg extract ${file} --to DIR`);
    const restart = summary.restart === 'restart' || summary.restart === 'shutdown';
    const asks = restart
      ? ['the package asks for a restart after installing: say -R y, if machines are to wait for one']
      : [];
    return {
      format: 'pkg',
      debianPackage: null,
      applePackages: summary.components
        .filter(({ selected, hasPayload }) => selected && hasPayload)
        .map(({ identifier, version, installKBytes }) => ({
          id: identifier,
          version,
          installedKb: installKBytes ?? 0,
        })),
      contents: {
        schema: 'd3/contents@1',
        files: entries.map(({ absolute, type, size }) => ({
          path: path.posix.relative('/', absolute) || '.',
          type,
          size,
        })),
      },
      warnings: [...warnings, ...asks],
    };
  });
}

async function examinedDeb(file: string, at: string): Promise<Examined> {
  const { control, scripts, entries } = await withFile(at, (handle) => inspectDeb(handle, file));
  const { name, version, architecture, depends, installedKb } = control;
  const cpu = cpuOfDebian(architecture);
  return {
    format: 'deb',
    applePackages: [],
    debianPackage: { name, version, architecture, depends, installedKb },
    contents: {
      schema: 'd3/contents@1',
      files: entries.map(({ path: at, type, size }) => ({ path: at.slice(1), type, size })),
    },
    warnings: [
      ...(cpu === undefined ? [`the package is for ${architecture}: say with -o which machines are to have it`] : []),
      ...(scripts.length === 0 ? [] : [`the package carries scripts (${scripts.join(', ')}), which dpkg runs as root`]),
    ],
  };
}

/** A Mac makes a package of what is in it, which has to have a name there. */
async function examinedImage({ source, identifier, version }: SourceOptions, at: string): Promise<Examined> {
  await withFile(at, (handle) => checkImage(handle, source));
  const warnings = [
    'what is in a disk image is not known here: only Macs install it, as a folder that stands for the root',
  ];
  const applePackages = [{ id: identifier, version, installedKb: 0 }];
  return { format: 'dmg', applePackages, debianPackage: null, contents: null, warnings };
}

async function withFile<Result>(file: string, work: (handle: FileHandle) => Promise<Result>): Promise<Result> {
  const handle = await open(file);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}
