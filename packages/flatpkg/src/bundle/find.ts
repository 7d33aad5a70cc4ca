import type { Container } from '../container.ts';
import { printable, unsupported } from '../errors.ts';

const PACKAGE = /\.m?pkg$/i;
const SHOWN = 10;

/**
 * The folder of the only bundle-style package in an archive. Throws FlatpkgError `unsupported` that says what is there
 * instead.
 */
export function findBundle({ members }: Container): string {
  const bundles = new Set<string>();
  const files: string[] = [];
  for (const { path, type } of members) {
    if (isByproduct(path)) continue;
    const folder = packageFolderOf(path, type === 'directory');
    if (folder !== null) bundles.add(folder);
    else if (PACKAGE.test(path)) files.push(path);
  }
  const [only, ...more] = bundles;
  if (only !== undefined && more.length === 0) {
    if (!/\.mpkg$/i.test(only)) return only;
    throw unsupported('META_PACKAGE', 'is a package of packages (.mpkg), which is not read here', only);
  }
  if (only !== undefined) {
    throw unsupported('SEVERAL_PACKAGES', `the zip archive holds several packages: ${namesOf([...bundles])}`);
  }
  if (files.length > 0) {
    const text = `the zip archive holds no bundle-style package, but other packages: ${namesOf(files)}; unzip it first`;
    throw unsupported('NOT_A_PACKAGE', text);
  }
  throw unsupported('NOT_A_PACKAGE', 'this is a zip archive without a bundle-style package (NAME.pkg/Contents) in it');
}

/** The outermost folder named like a package on the way to a member: what lies in a package is part of it. */
function packageFolderOf(path: string, isFolder: boolean): string | null {
  const parts = path.split('/');
  const at = parts.findIndex((part) => PACKAGE.test(part));
  if (at === -1 || (at === parts.length - 1 && !isFolder)) return null;
  return parts.slice(0, at + 1).join('/');
}

function namesOf(paths: readonly string[]): string {
  const shown = paths.slice(0, SHOWN).map(printable).join(', ');
  return paths.length > SHOWN ? `${shown} and ${paths.length - SHOWN} more` : shown;
}

/** What a Mac writes beside the real members: attributes of files, and how a folder looked in a window. */
function isByproduct(path: string): boolean {
  const parts = path.split('/');
  return parts[0] === '__MACOSX' || parts.at(-1) === '.DS_Store' || parts.some((part) => part.startsWith('._'));
}
