import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { type Claims, claimsUnreadable } from './claims.ts';

const MAX_LIST_BYTES = 64 * 1024 * 1024;
const MAX_LISTS = 100_000;

/**
 * The files dpkg knows: its lists, read as they lie under the root.
 * @param root absolute path of the root on the host
 */
export function dpkgClaims(root: string): Claims {
  const info = path.join(root, 'var', 'lib', 'dpkg', 'info');
  return {
    async claimed(asked) {
      const claims = new Map<string, string>();
      const lists = listsIn(info);
      if (lists.length === 0) return claims;
      const aliases = aliasesOf(root);
      for (const list of lists) {
        const name = `dpkg (${list.slice(0, -'.list'.length)})`;
        for (const line of readList(path.join(info, list)).split('\n')) {
          const key = asked.keyOf(unaliased(line, aliases));
          if (asked.paths.has(key) || asked.folders.some((folder) => key.startsWith(`${folder}/`)))
            claims.set(key, name);
        }
      }
      return claims;
    },
  };
}

function listsIn(info: string): string[] {
  try {
    const lists = readdirSync(info).filter((name) => name.endsWith('.list'));
    if (lists.length > MAX_LISTS) throw unreadable(info, `there are more than ${MAX_LISTS} lists`);
    return lists;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error instanceof D3Error ? error : unreadable(info, message);
  }
}

function readList(file: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(file, (error as Error).message);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_LIST_BYTES) throw unreadable(file, 'it is no list of files');
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(target: string, why: string): D3Error {
  return claimsUnreadable('dpkg', why, target, 'mend it first: dpkg --audit');
}

/** Links at the top that stand for a folder in the root: `/bin` for `/usr/bin`, where dpkg knows files by the former. */
function aliasesOf(root: string): Map<string, string> {
  const real = realpathSync(root);
  const links = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  return new Map(
    links.flatMap(({ name }): [string, string][] => {
      const target = realpathOrNull(path.join(root, name));
      const inside = target === null ? '..' : path.relative(real, target);
      return inside === '' || inside.startsWith('..') ? [] : [[name, `/${inside}`]];
    }),
  );
}

function realpathOrNull(place: string): string | null {
  try {
    return realpathSync(place);
  } catch {
    return null;
  }
}

function unaliased(line: string, aliases: ReadonlyMap<string, string>): string {
  const end = line.indexOf('/', 1);
  const top = aliases.get(line.slice(1, end === -1 ? undefined : end));
  return top === undefined ? line : top + (end === -1 ? '' : line.slice(end));
}
