import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stageWith } from '../../src/extract/stage.ts';
import { extractTo, FlatpkgError, inspect, listFiles, printable, verify } from '../../src/index.ts';
import { removeTree, snapshot } from './temp.ts';

/** Milliseconds that any one reader may take for one small package. */
const TOO_LONG = 5000;
const KINDS = ['damaged', 'refused', 'unsupported'];
// A size that no disk has is an error of the disk.
const DISK = ['NO_SPACE'];

/**
 * Gives a package to everything that reads one, and throws an Error when any of it does what it must not: another error
 * than a FlatpkgError, too long a time, anything written outside of its folder or left behind.
 * Returns how it ended: the code of the failure, or `accepted`.
 */
export async function tryPackage(folder: string, bytes: Buffer): Promise<string> {
  mkdirSync(join(folder, 'root'), { recursive: true });
  const pkg = join(folder, 'x.pkg');
  writeFileSync(pkg, bytes);
  const root = join(folder, 'root');
  const before = snapshot(folder).join('\n');
  const unchanged = (what: string) => {
    if (snapshot(folder).join('\n') !== before) throw new Error(`${what}: left something behind`);
  };
  try {
    let end = 'accepted';
    const readers: [what: string, read: () => Promise<unknown>][] = [
      ['inspect', async () => checkTexts((await inspect(pkg)).warnings)],
      ['list', async () => (await listFiles(pkg)).entries.forEach(checkPlace)],
      ['list scripts', async () => (await listFiles(pkg, { part: 'scripts' })).entries.forEach(checkPlace)],
      ['verify', async () => checkTexts((await verify(pkg)).warnings)],
    ];
    for (const [what, read] of readers) {
      end = await outcome(what, read, end);
      unchanged(what);
    }
    const staged = { root, preserveOwners: false };
    end = await outcome('stage', async () => (await stageWith(pkg, staged, { durable: false })).rollback(), end);
    unchanged('stage');
    for (const part of ['payload', 'scripts'] as const) {
      const to = join(folder, 'to');
      let unpacked = false;
      const extract = async () => {
        await extractTo(pkg, to, { part, preserveOwners: false });
        unpacked = true;
      };
      end = await outcome(`extract ${part}`, extract, end);
      if (unpacked) removeStaged(to);
      unchanged(`extract ${part}`);
    }
    let committed = false;
    const commit = async () => {
      await (await stageWith(pkg, staged, { durable: false })).commit();
      committed = true;
    };
    end = await outcome('commit', commit, end);
    if (!committed) unchanged('commit');
    if (readdirSync(folder).sort().join() !== 'root,x.pkg') throw new Error('commit: wrote outside of its root');
    return end;
  } finally {
    removeTree(folder);
  }
}

async function outcome(what: string, read: () => Promise<unknown>, before: string): Promise<string> {
  const started = performance.now();
  let end = before;
  try {
    await read();
  } catch (error) {
    if (!(error instanceof FlatpkgError)) throw new Error(`${what}: not a FlatpkgError`, { cause: error });
    const { kind, code, message } = error;
    if (!KINDS.includes(kind) && !DISK.includes(code)) throw new Error(`${what}: ${kind} ${code}`, { cause: error });
    checkTexts([message]);
    if (before === 'accepted') end = code;
  }
  const took = performance.now() - started;
  if (took > TOO_LONG) throw new Error(`${what}: took ${Math.round(took)} ms`);
  return end;
}

function checkTexts(texts: readonly string[]): void {
  for (const text of texts) {
    if (printable(text) !== text || text.length > 2100) throw new Error(`a text not fit to be shown: ${text}`);
  }
}

function checkPlace({ absolute }: { absolute: string }): void {
  if (!absolute.startsWith('/') || absolute.split('/').some((part) => part === '..' || part === '.')) {
    throw new Error(`an unsafe place: ${absolute}`);
  }
}

function removeStaged(folder: string): void {
  const staging = readdirSync(folder).filter((name) => /^\.flatpkg-[0-9a-f]{18}/.test(name));
  removeTree(folder);
  if (staging.length > 0) throw new Error('extract: the staging folder is still there');
}
