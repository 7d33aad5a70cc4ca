import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'mocha';

/** Gives every test of the enclosing `describe` a fresh folder, removed afterwards. */
export function useTempFolder(): {
  path(...parts: string[]): string;
  write(path: string, content: string | Buffer): string;
} {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flatpkg-test-'));
  });
  afterEach(() => removeTree(folder));
  return {
    path: (...parts) => join(folder, ...parts),
    write(path, content) {
      const full = join(folder, path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      return full;
    },
  };
}

/** Removes a folder even if some in it are closed to their owner. */
export function removeTree(folder: string): void {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    chmodSync(folder, 0o700);
    for (const name of readdirSync(folder)) removeTree(join(folder, name));
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Everything below a folder, one line each: path, type, mode, and content or target. */
export function snapshot(folder: string, path = ''): string[] {
  const lines: string[] = [];
  for (const name of readdirSync(join(folder, path)).sort()) {
    const inside = path === '' ? name : `${path}/${name}`;
    const full = join(folder, inside);
    const stats = lstatSync(full);
    const mode = (stats.mode & 0o7777).toString(8);
    if (stats.isSymbolicLink()) lines.push(`${inside} -> ${readlinkSync(full)}`);
    else if (stats.isDirectory()) lines.push(`${inside}/ ${mode}`, ...snapshot(folder, inside));
    else if (stats.isFile()) lines.push(`${inside} ${mode} ${readFileSync(full).toString('base64')}`);
    else lines.push(`${inside} special`);
  }
  return lines;
}
