import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { layOutApp, nativeEntries } from './app.ts';
import { debianVersion, writeDeb } from './deb.ts';
import { debianDepends } from './debian-depends.ts';
import { needsOf } from './elf.ts';
import { bytesOf, type Entry, entriesIn, type FileEntry, merged, textEntry, under } from './entries.ts';
import { folderOf } from './from-npm.ts';
import { gzipped, gzipTo } from './gzip.ts';
import { fits, isNative, type LockedPackage, productionPackages } from './lockfile.ts';
import { writeMacPackage } from './mac-package.ts';
import { minimumMacOS, newerOf } from './mach-o.ts';
import { installScripts, removeScripts } from './maintainer-scripts.ts';
import { writeNpmTarball } from './npm-tarball.ts';
import type { Platform } from './platforms.ts';
import { sbom } from './sbom.ts';
import { tar } from './tar.ts';

export const KINDS = ['tarball', 'deb', 'pkg', 'npm'] as const;
export type Kind = (typeof KINDS)[number];

export interface Making {
  /** Of the repository, built and with what `npm ci` installs. */
  root: string;
  /** The folder the packages come into. */
  out: string;
  version: string;
  /** Since 1970: the time of everything in the packages. */
  seconds: number;
  kinds: readonly Kind[];
  platforms: readonly Platform[];
  /** Of the .deb, as Debian writes it. */
  maintainer: string;
  /** Writes manual pages into a folder: `man1/…`. */
  writeManual: (folder: string) => void;
  /** Told of every package that was made. */
  made: (file: string) => void;
}

/** Makes packages of d3: the same repository, version and time give the same bytes. */
export async function makePackages(making: Making): Promise<void> {
  const { root, out, version, seconds, kinds, platforms } = making;
  mkdirSync(out, { recursive: true });
  // On the same disk as what becomes of it.
  const work = path.join(out, '.work');
  rmSync(work, { recursive: true, force: true });
  try {
    const packages = productionPackages(root);
    // What was fetched stays for the next time: the lockfile says whether it is still right.
    const from = (locked: LockedPackage) => folderOf(locked, root, path.join(out, '.npm'));
    const appFolder = path.join(work, 'app');
    mkdirSync(appFolder, { recursive: true });
    layOutApp({ root, version, seconds }, packages, from, appFolder);
    making.writeManual(path.join(appFolder, 'share', 'man'));
    const app = entriesIn(appFolder);
    const pjson = JSON.parse(readFileSync(path.join(appFolder, 'package.json'), 'utf8')) as Pjson;
    const bom = (within: readonly LockedPackage[]) =>
      textEntry('sbom.cdx.json', sbom({ ...pjson, needs: needsIn(pjson) }, within, seconds));

    const make = async (name: string, write: (file: string) => Promise<void>) => {
      const file = path.join(out, name);
      await write(file);
      making.made(file);
    };
    for (const platform of platforms) {
      const within = packages.filter((locked) => fits(locked, platform));
      const entries = () => {
        const native = nativeEntries(within.filter(isNative), from);
        return merged(app, native, [bom(within)]);
      };
      const node = `node_modules/${platform.node}/bin/node`;
      const parts = { making, platform, entries, node, work };
      if (kinds.includes('tarball'))
        await make(`d3-${version}-${platform.name}.tar.gz`, (file) => tarball(file, parts));
      if (kinds.includes('deb') && platform.os === 'linux')
        await make(`d3_${debianVersion(version)}_${platform.processor}.deb`, (file) => deb(file, parts));
      if (kinds.includes('pkg') && platform.os === 'darwin')
        await make(`d3-${version}-${platform.name}.pkg`, (file) => pkg(file, parts));
    }
    if (kinds.includes('npm')) {
      const neutral = packages.filter((locked) => !isNative(locked));
      await make(`d3-${version}-npm.tgz`, (file) => writeNpmTarball(file, merged(app, [bom(neutral)]), pjson, seconds));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Pjson extends Record<string, unknown> {
  name: string;
  version: string;
  license: string;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
}

function needsIn({ dependencies, optionalDependencies }: Pjson): string[] {
  return Object.keys({ ...dependencies, ...optionalDependencies }).toSorted();
}

interface Parts {
  making: Making;
  platform: Platform;
  entries: () => Entry[];
  node: string;
  work: string;
}

function tarball(file: string, { making: { version, seconds }, platform, entries }: Parts): Promise<void> {
  return gzipTo(file, tar(merged(under(`d3-${version}-${platform.name}`, entries())), seconds));
}

async function deb(file: string, { making, platform, entries, node }: Parts): Promise<void> {
  const version = debianVersion(making.version);
  const all = entries();
  const source = { version, node, system: 'debian' } as const;
  const [install, remove] = [installScripts(source), removeScripts(source)];
  await writeDeb(file, {
    name: 'd3',
    version,
    architecture: platform.processor,
    depends: debianDepends(nativeFiles(all).flatMap((entry) => needsOf(bytesOf(entry)) ?? [])),
    maintainer: making.maintainer,
    description: [
      'package management for fleets',
      'Editions of packages go from pilot to live, and every machine brings itself there.',
      'Nothing is started before the machine is told of its depot.',
    ],
    scripts: { preinst: install.before, postinst: install.after, prerm: remove.before, postrm: remove.after },
    entries: merged(under(`usr/local/lib/d3/versions/${version}`, all), documentation(making.root, all), [
      { type: 'dir', path: 'var/lib/d3', mode: 0o755 },
    ]),
    seconds: making.seconds,
  });
}

/** Where people on Debian look for it. */
function documentation(root: string, all: readonly Entry[]): Entry[] {
  const folder = 'usr/share/doc/d3';
  const files = all.filter((entry) => entry.type === 'file');
  const named = (at: string) => files.find((entry) => entry.path === at) as FileEntry;
  const manual = files.filter((entry) => entry.path.startsWith('share/man/'));
  const packed = (at: string, entry: FileEntry): FileEntry => {
    const content = gzipped(bytesOf(entry));
    return { ...entry, path: at, size: content.length, content };
  };
  return [
    textEntry(`${folder}/copyright`, readFileSync(path.join(root, 'LICENSE'), 'utf8')),
    packed(`${folder}/changelog.gz`, named('CHANGELOG.md')),
    { ...named('share/examples/d3.json'), path: `${folder}/examples/d3.json` },
    { ...named('sbom.cdx.json'), path: `${folder}/sbom.cdx.json` },
    ...manual.map((entry) => packed(`usr/${entry.path}.gz`, entry)),
  ];
}

function pkg(file: string, { making, platform, entries, node, work }: Parts): Promise<void> {
  const all = entries();
  const { version, seconds } = making;
  return writeMacPackage(
    file,
    {
      version,
      // What is generated has to be on the disk, like the rest.
      entries: all,
      node,
      processor: platform.processor,
      minimum: nativeFiles(all)
        .map((entry) => minimumMacOS(bytesOf(entry)))
        .reduce(newerOf, null),
      seconds,
    },
    path.join(work, 'pkg'),
  );
}

/** Programs and libraries, by their names. */
function nativeFiles(entries: readonly Entry[]): FileEntry[] {
  return entries.filter(
    (entry) => entry.type === 'file' && /(?:^|\/)bin\/node$|\.node$/.test(entry.path),
  ) as FileEntry[];
}

/** Writes the SHA-256 of each package in the folder into one file, as `sha256sum -c` reads it. */
export function writeSums(out: string): void {
  const names = readdirSync(out).filter((name) => /^d3[-_].+\.(?:tar\.gz|tgz|deb|pkg)$/.test(name));
  const lines = names.sort().map((name) => {
    const sum = createHash('sha256')
      .update(readFileSync(path.join(out, name)))
      .digest('hex');
    return `${sum}  ${name}\n`;
  });
  writeFileSync(path.join(out, 'SHA256SUMS'), lines.join(''));
}

/** Whether the repository was built. */
export function isBuilt(root: string): boolean {
  return existsSync(path.join(root, 'dist', '.built'));
}
