import type { Container, Member } from '../container.ts';
import type { OpenComponent, PackageContent } from '../content.ts';
import { damaged, printable, unsupported } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { cleanInstallLocation } from '../names.ts';
import { checkIdentifier } from '../pkginfo.ts';
import { type Plist, readPlist } from '../plist.ts';
import { type RestartAction, restartNamed } from '../restart.ts';
import type { Warnings } from '../warnings.ts';
import { findBundle } from './find.ts';
import { type InfoFile, readInfoFile } from './info-file.ts';

const PAYLOADS = ['Archive.pax.gz', 'Archive.pax', 'Archive.pax.bz2'];
// In the order in which macOS runs them.
const SCRIPTS = ['preflight', 'preinstall', 'preupgrade', 'postinstall', 'postupgrade', 'postflight'];
const CHECKS = ['InstallationCheck', 'VolumeCheck'];

const RESTARTS = new Map<string, RestartAction>([
  ['norestart', 'none'],
  ['requiredlogout', 'logout'],
  ['requirelogout', 'logout'],
  ['recommendedrestart', 'restart'],
  ['requiredrestart', 'restart'],
  ['shutdown', 'shutdown'],
]);

const AUTHORIZATIONS = new Map([
  ['RootAuthorization', 'root'],
  ['AdminAuthorization', 'root'],
  ['NoAuthorization', 'none'],
]);

/**
 * Reads what a bundle-style package, a folder inside an archive, says of itself: as a component package. Throws
 * FlatpkgError.
 */
export async function readBundle(archive: Container, limits: Limits, warnings: Warnings): Promise<PackageContent> {
  const folder = findBundle(archive);
  const contents = `${folder}/Contents`;
  const member = partOf(archive, `${contents}/Info.plist`);
  if (member === null) {
    throw unsupported('NOT_A_PACKAGE', 'is no package that can be read here: it has no Contents/Info.plist', folder);
  }
  const plist = readPlist(await archive.read(member, limits.metadataBytes), member.path);
  if (plist.has('IFPkgFlagPackageList') || archive.find(`${contents}/distribution.dist`) !== null) {
    throw unsupported('META_PACKAGE', 'is a package of packages, which is not read here', folder);
  }
  const old = await readInfoFile(archive, contents, limits);
  const payload = payloadOf(archive, contents);
  warnOfChecks(archive, contents, warnings);
  const scripts = SCRIPTS.filter((name) => isThere(archive, `${contents}/Resources/${name}`));
  if (scripts.length > 0) {
    warnings.add('scripts', `${printable(contents)}/Resources: the scripts of a bundle are named, not unpacked`);
  }
  const info: OpenComponent['info'] = {
    directory: null,
    identifier: checkIdentifier(identifierOf(plist, folder, warnings), member.path),
    version: versionOf(plist, old),
    installLocation: cleanInstallLocation(plist.string('IFPkgFlagDefaultLocation') ?? old?.defaultLocation ?? '/'),
    selected: true,
    auth: authorizationOf(plist),
    restart: restartOf(plist, old, member.path, warnings),
    scripts,
    hasScriptsArchive: false,
    hasPayload: payload !== null,
    numberOfFiles: null,
    installKBytes: installedSizeOf(plist),
    relocatable: plist.boolean('IFPkgFlagRelocatable') ?? false,
    relocate: [],
    minimumSystemVersion: null,
    bundles: [],
    mustClose: [],
  };
  const bom = partOf(archive, `${contents}/Archive.bom`);
  return { kind: 'component', components: [{ info, payload, bom, scripts: null }], distribution: null };
}

/** A file that is read. Links are not followed: what they stand for may be anywhere. */
function partOf(archive: Container, path: string): Member | null {
  const member = archive.find(path);
  if (member === null || member.type === 'file') return member;
  throw damaged('BUNDLE_PART', `should be a file, is a ${printable(member.type)}`, path);
}

function payloadOf(archive: Container, contents: string): Member | null {
  const found = PAYLOADS.map((name) => partOf(archive, `${contents}/${name}`)).filter((member) => member !== null);
  if (found.length <= 1) return found[0] ?? null;
  throw damaged('BUNDLE_PAYLOAD', 'is a second payload: only one can be meant', found[1]?.path);
}

/** A link counts: what matters is whether macOS would run something. */
function isThere(archive: Container, path: string): boolean {
  const type = archive.find(path)?.type;
  return type !== undefined && type !== 'directory';
}

function warnOfChecks(archive: Container, contents: string, warnings: Warnings): void {
  for (const name of CHECKS) {
    const path = `${contents}/Resources/${name}`;
    if (!isThere(archive, path)) continue;
    warnings.add('scripts', `${printable(path)}: decides whether it may be installed; it is not run here`);
  }
}

/** The oldest packages have none. */
function identifierOf(plist: Plist, folder: string, warnings: Warnings): string {
  const identifier = plist.string('CFBundleIdentifier') ?? '';
  if (identifier !== '') return identifier;
  const name = folder.slice(folder.lastIndexOf('/') + 1).replace(/\.pkg$/i, '');
  warnings.add('identifier', `${printable(folder)}: has no identifier, its name stands in for one`);
  return name;
}

function versionOf(plist: Plist, old: InfoFile | null): string {
  const short = plist.text('CFBundleShortVersionString');
  if (short !== null) return short;
  const major = plist.integer('IFMajorVersion');
  const minor = plist.integer('IFMinorVersion');
  if (major !== null || minor !== null) return `${major ?? 0}.${minor ?? 0}`;
  return old?.version ?? '0';
}

/** An unknown one as it is written. */
function authorizationOf(plist: Plist): string | null {
  const action = plist.string('IFPkgFlagAuthorizationAction');
  return action === null ? null : (AUTHORIZATIONS.get(action) ?? action);
}

function restartOf(plist: Plist, old: InfoFile | null, member: string, warnings: Warnings): RestartAction {
  const action = plist.string('IFPkgFlagRestartAction');
  if (action === null) return old?.requiresReboot === true ? 'restart' : 'none';
  return restartNamed(action, RESTARTS, member, warnings);
}

function installedSizeOf(plist: Plist): number | null {
  const size = plist.integer('IFPkgFlagInstalledSize');
  return size !== null && size >= 0 ? size : null;
}
