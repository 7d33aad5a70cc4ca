import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { LockedPackage } from './lockfile.ts';

/**
 * The folder of a package from npm: as `npm ci` installed it here, or, for another system than this one, as npm has it under
 * that version, compared with what the lockfile says of it.
 * @param root of the repository
 * @param work a folder in which what was fetched is kept
 * @throws Error for what is not what the lockfile says
 */
export function folderOf(locked: LockedPackage, root: string, work: string): string {
  const installed = path.join(root, locked.place);
  if (existsSync(path.join(installed, 'package.json'))) {
    const { version } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as { version: string };
    if (version !== locked.version)
      throw new Error(`${locked.place} is ${version}, and the lockfile says ${locked.version}: run npm ci`);
    return installed;
  }
  const fetched = path.join(work, `${locked.name.replace('/', '+')}-${locked.version}`);
  if (!existsSync(fetched)) fetch(locked, fetched);
  return path.join(fetched, 'package');
}

function fetch({ name, version, integrity }: LockedPackage, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  const folder = mkdtempSync(`${to}.`);
  try {
    const words = ['pack', `${name}@${version}`, '--json', '--ignore-scripts', '--pack-destination', folder];
    const said = execFileSync('npm', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    const [{ filename }] = JSON.parse(said) as [{ filename: string }];
    const file = path.join(folder, path.basename(filename));
    verify(file, integrity, `${name}@${version}`);
    execFileSync('tar', ['-xzf', file, '-C', folder]);
    rmSync(file);
    // What is there under its name is whole.
    renameSync(folder, to);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compares a file with what the lockfile says of it. @param what it is called in errors */
export function verify(file: string, integrity: string | null, what: string): void {
  const [algorithm, expected] = /^(sha512)-(.+)$/.exec(integrity ?? '')?.slice(1) ?? [];
  if (algorithm === undefined) throw new Error(`the lockfile has no SHA-512 of ${what}`);
  const found = createHash(algorithm).update(readFileSync(file)).digest('base64');
  if (found !== expected) throw new Error(`${what} is not what the lockfile says: ${found} instead of ${expected}`);
}
