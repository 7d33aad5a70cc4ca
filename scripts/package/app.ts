import { execFileSync } from 'node:child_process';
import { globSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { launchdPlist, launchdResumePlist, systemdUnits } from '../../src/client/service-units.ts';
import { type Entry, entriesIn, modeOf } from './entries.ts';
import { isNative, type LockedPackage } from './lockfile.ts';
import { isNode } from './platforms.ts';
import { putFile } from './put-file.ts';

/** What of the repository is packed, and as which version. */
export interface AppSource {
  /** Of the repository, built. */
  root: string;
  version: string;
  /** Seconds since 1970: when this d3 was made, and the time of everything in its packages. */
  seconds: number;
}

interface Pjson {
  name: string;
  version: string;
  files?: string[];
  dependencies?: Record<string, string>;
  overrides?: Record<string, string>;
}

/** Written anew, of no use without the sources, or of the compiler. */
const LEFT_OUT = /^(?:bin\/dev\.js|oclif\.manifest\.json|dist\/\.built|dist\/plugins\.index\.json)$|\.tsbuildinfo$/;
const USUAL = { program: '/usr/local/bin/d3', every: 3600, machine: '' };

/**
 * Lays out what is the same for every system: d3, built, with the packages it needs that have no native code, and what
 * whoever installs it may want to look at (`share/`).
 * @param packages of the lockfile
 * @param folderOf where a package from npm is
 * @param to an empty folder
 */
export function layOutApp(
  { root, version, seconds }: AppSource,
  packages: readonly LockedPackage[],
  folderOf: (locked: LockedPackage) => string,
  to: string,
): void {
  const pjson = readJson<Pjson>(path.join(root, 'package.json'));
  const own = packages.filter((locked) => locked.own !== null);
  const placeOf = (at: string): string => {
    const within = own.find((locked) => at === locked.own || at.startsWith(`${locked.own}/`));
    return within === undefined ? at : `${within.place}${at.slice((within.own as string).length)}`;
  };
  for (const at of globSync(pjson.files ?? [], { cwd: root }).sort())
    for (const file of filesAt(root, at)) if (!LEFT_OUT.test(file)) put(path.join(root, file), to, placeOf(file));
  for (const at of ['LICENSE', 'CHANGELOG.md']) put(path.join(root, at), to, at);
  for (const { own: folder, place } of own)
    put(path.join(root, folder as string, 'package.json'), to, `${place}/package.json`);
  for (const locked of packages)
    if (locked.own === null && !isNative(locked)) putPackage(folderOf(locked), to, locked.place, pjson.overrides);
  write(to, 'package.json', `${JSON.stringify(installedPjson(pjson, version), null, 2)}\n`);
  const manifest = readJson<object>(path.join(root, 'oclif.manifest.json'));
  write(to, 'oclif.manifest.json', JSON.stringify({ ...manifest, version }));
  write(to, 'dist/.built', `${new Date(seconds * 1000).toISOString()}\n`);
  layOutShare(root, to);
  writeIndex(to);
}

/** What is shown, laid down by d3 itself, or copied by whoever manages machines. */
function layOutShare(root: string, to: string): void {
  put(path.join(root, 'examples', 'd3.json'), to, 'share/examples/d3.json');
  for (const [name, text] of Object.entries(systemdUnits(USUAL))) write(to, `share/systemd/${name}`, text);
  write(to, 'share/launchd/org.d3.sync.plist', launchdPlist(USUAL));
  write(to, 'share/launchd/org.d3.resume.plist', launchdResumePlist(USUAL));
}

/** The built d3 writes the index of what comes with it, of the very files that are packed. */
function writeIndex(to: string): void {
  const module = path.join(to, 'dist', 'startup', 'own-plugins.js');
  const script = `import(process.argv[1]).then(({ writeOwnIndex }) => writeOwnIndex(process.argv[2]))`;
  execFileSync(process.execPath, ['-e', script, module, to], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** What only whoever works on d3 needs is not in it. */
function installedPjson(pjson: Pjson, version: string): object {
  const {
    devDependencies: _,
    scripts: __,
    workspaces: ___,
    files: ____,
    ...rest
  } = pjson as unknown as Record<string, unknown>;
  return { ...rest, version };
}

/**
 * Puts what a package's own folder holds, without what is installed below it.
 * @param overrides what d3 has npm put in the place of packages: whoever installs d3 has no such rule, so it stands in what needs them
 */
function putPackage(from: string, to: string, place: string, overrides: Readonly<Record<string, string>> = {}): void {
  for (const entry of entriesIn(from, (name) => name === 'node_modules')) {
    if (entry.type === 'dir') continue;
    const at = `${place}/${entry.path}`;
    const text = entry.path === 'package.json' ? overridden(path.join(from, entry.path), overrides) : null;
    if (text === null) put(path.join(from, entry.path), to, at);
    else write(to, at, text);
  }
}

/** @returns null when none of them is about it */
function overridden(file: string, overrides: Readonly<Record<string, string>>): string | null {
  const pjson = readJson<Pjson>(file);
  const { dependencies = {} } = pjson;
  const names = Object.keys(overrides).filter((name) => name in dependencies);
  if (names.length === 0) return null;
  const changed = Object.fromEntries(names.map((name) => [name, overrides[name]]));
  return `${JSON.stringify({ ...pjson, dependencies: { ...dependencies, ...changed } }, null, 2)}\n`;
}

/** The packages of one system, its Node among them: of that the program and its licence, and nothing to build against. */
export function nativeEntries(
  packages: readonly LockedPackage[],
  folderOf: (locked: LockedPackage) => string,
): Entry[] {
  return packages.flatMap((locked) => {
    return entriesIn(folderOf(locked), (name) => name === 'node_modules')
      .filter(({ path: at }) => !isNode(locked) || /^(?:bin(?:\/node)?|LICENSE|package\.json)$/.test(at))
      .map((entry) => ({ ...entry, path: `${locked.place}/${entry.path}` }));
  });
}

/** The files at a path, relative to the same folder. */
function filesAt(root: string, at: string): string[] {
  if (!lstatSync(path.join(root, at)).isDirectory()) return [at];
  return entriesIn(path.join(root, at)).flatMap((entry) =>
    entry.type === 'file' ? path.posix.join(at, entry.path) : [],
  );
}

function put(from: string, to: string, at: string): void {
  const target = path.join(to, at);
  mkdirSync(path.dirname(target), { recursive: true });
  putFile(from, target, modeOf(lstatSync(from).mode));
}

function write(to: string, at: string, text: string): void {
  const target = path.join(to, at);
  mkdirSync(path.dirname(target), { recursive: true });
  // What is there may be a link to the very file of the repository.
  rmSync(target, { force: true });
  writeFileSync(target, text, { mode: 0o644 });
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
