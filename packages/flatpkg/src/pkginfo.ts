import { damaged, printable } from './errors.ts';
import { cleanEntryName, cleanInstallLocation } from './names.ts';
import { type RestartAction, restartNamed } from './restart.ts';
import type { Warnings } from './warnings.ts';
import { onlyChild, readXml, type XmlElement } from './xml.ts';

/** A bundle (an app, a framework, …) among the files of a component. */
export interface Bundle {
  id: string | null;
  /** As written, below the install location. */
  path: string | null;
  shortVersion: string | null;
  version: string | null;
}

/** One component: what its PackageInfo says and what the archive holds beside it. */
export interface Component {
  /** Folder of the component inside a product archive, null for a component package. */
  directory: string | null;
  identifier: string;
  version: string;
  /** Absolute and clean; `/` when the package names none. A choice of the Distribution may move it. */
  installLocation: string;
  /** False for a component of a product archive that is not installed unless somebody chooses it. */
  selected: boolean;
  /** `root`, `none`, … as written, null when absent. */
  auth: string | null;
  restart: RestartAction;
  /** Names of the scripts PackageInfo declares: `preinstall`, `postinstall`, … */
  scripts: string[];
  hasScriptsArchive: boolean;
  hasPayload: boolean;
  /** For display only: writers count differently. */
  numberOfFiles: number | null;
  /** For display only. */
  installKBytes: number | null;
  relocatable: boolean;
  /** Bundle ids macOS may install over a moved copy, elsewhere than the payload says. */
  relocate: string[];
  minimumSystemVersion: string | null;
  bundles: Bundle[];
  /** Bundle ids of applications that must not be running. */
  mustClose: string[];
}

const ACTIONS = new Map<string, RestartAction>([
  ['none', 'none'],
  ['logout', 'logout'],
  ['restart', 'restart'],
  ['shutdown', 'shutdown'],
]);

/** What PackageInfo alone can tell. */
export type PackageInfo = Omit<Component, 'directory' | 'selected' | 'hasScriptsArchive' | 'hasPayload'>;

/** Reads a PackageInfo document. `member` names it in errors. Throws FlatpkgError. */
export function readPackageInfo(bytes: Uint8Array, member: string, warnings: Warnings): PackageInfo {
  const root = readXml(bytes, member);
  if (root.name !== 'pkg-info') {
    throw damaged('PKGINFO', `the root element is "${printable(root.name)}", not "pkg-info"`, member);
  }
  const payload = onlyChild(root, 'payload', member);
  return {
    identifier: checkIdentifier(root.attributes.get('identifier') ?? '', member),
    version: root.attributes.get('version') ?? '0',
    installLocation: cleanInstallLocation(root.attributes.get('install-location') ?? '/', member),
    auth: root.attributes.get('auth') ?? null,
    restart: restartNamed(root.attributes.get('postinstall-action') ?? 'none', ACTIONS, member, warnings),
    scripts: scriptsOf(root, member),
    numberOfFiles: countIn(payload, 'numberOfFiles'),
    installKBytes: countIn(payload, 'installKBytes'),
    relocatable: root.attributes.get('relocatable') === 'true',
    relocate: relocateOf(root),
    minimumSystemVersion: root.attributes.get('minimumSystemVersion') ?? null,
    bundles: root.children.filter(({ name }) => name === 'bundle').map(bundleOf),
    mustClose: mustCloseIn(root),
  };
}

/** Identifiers end up in receipts and file names, so nothing that could act as a path or break a line is let in. */
export function checkIdentifier(identifier: string, member: string | null): string {
  if (identifier === '') throw damaged('PKGINFO_IDENTIFIER', 'the package has no identifier', member);
  if (/[/\\\p{Cc}]/u.test(identifier) || /^\.+$/.test(identifier) || Buffer.byteLength(identifier) > 255) {
    throw damaged(
      'PKGINFO_IDENTIFIER',
      `unsafe package identifier "${printable(identifier.slice(0, 300).toWellFormed())}"`,
      member,
    );
  }
  return identifier;
}

function scriptsOf(root: XmlElement, member: string): string[] {
  const scripts = onlyChild(root, 'scripts', member);
  if (scripts === null) return [];
  return scripts.children.map((script) => {
    const file = script.attributes.get('file');
    // The file is looked up in the scripts archive, so it has to obey the rule of its names.
    if (file !== undefined) cleanEntryName(file, member);
    return script.name;
  });
}

/** Bundle ids that a PackageInfo, or a reference of a Distribution, wants closed. */
export function mustCloseIn(parent: XmlElement): string[] {
  return parent.children
    .filter(({ name }) => name === 'must-close')
    .flatMap(({ children }) => children.flatMap(({ attributes }) => attributes.get('id') ?? []));
}

function bundleOf({ attributes }: XmlElement): Bundle {
  return {
    id: attributes.get('id') ?? null,
    path: attributes.get('path') ?? null,
    shortVersion: attributes.get('CFBundleShortVersionString') ?? null,
    version: attributes.get('CFBundleVersion') ?? null,
  };
}

function relocateOf(root: XmlElement): string[] {
  const ids: string[] = [];
  for (const list of root.children) {
    if (list.name !== 'relocate') continue;
    for (const bundle of list.children) {
      const id = bundle.attributes.get('id');
      if (id !== undefined) ids.push(id);
    }
  }
  return ids;
}

function countIn(payload: XmlElement | null, name: string): number | null {
  const text = payload?.attributes.get(name) ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
}
