import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { extractTo, FlatpkgError, inspect, listFiles, stage, verify } from '../../src/index.ts';
import { snapshot } from './temp.ts';

/** Awaits a FlatpkgError and returns it; anything else fails the test. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<FlatpkgError> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof FlatpkgError) return error;
    throw error;
  }
  return expect.fail('nothing was thrown');
}

/** How a package has to be stopped. */
export interface Stopped {
  /** `damaged` is exit 33 of d3, `refused` and `unsupported` are 30. */
  kind: 'damaged' | 'refused' | 'unsupported';
  code: string;
  /** What the message has to name: a member, or a path in it. */
  names?: string | undefined;
  /** Which part has to be unpacked to meet the attack; default payload. */
  part?: 'payload' | 'scripts';
  /** True when not even `inspect` may let it pass. */
  early?: boolean;
}

let cases = 0;

/**
 * Gives a package to everything that reads one, each of which must stop at it in the same way, with one printable line
 * that names the culprit, and with nothing changed anywhere: neither in the target nor beside it, no staging left.
 */
export async function expectStopped(folder: string, bytes: Buffer, expected: Stopped): Promise<FlatpkgError> {
  cases += 1;
  const base = join(folder, `case ${cases}`);
  for (const name of ['root/d', 'outside']) mkdirSync(join(base, name), { recursive: true });
  for (const name of ['root/d/there', 'outside/secret']) writeFileSync(join(base, name), name);
  const pkg = join(base, 'x.pkg');
  writeFileSync(pkg, bytes);
  const before = snapshot(base);
  const { kind, code, names, part = 'payload', early = false } = expected;
  const root = join(base, 'root');
  const readers: [what: string, read: () => Promise<unknown>][] = [
    ['verify', () => verify(pkg)],
    ['list', () => listFiles(pkg, { part })],
    ['stage', () => stage(pkg, { root, part })],
    ['extract', () => extractTo(pkg, join(base, 'to'), { part })],
  ];
  if (early) readers.push(['inspect', () => inspect(pkg)]);
  let failure: FlatpkgError | undefined;
  for (const [what, read] of readers) {
    failure = await failureOf(read);
    expect([failure.kind, failure.code], `${what}: ${failure.message}`).to.deep.equal([kind, code]);
    expect(failure.message, what).not.to.match(/\p{Cc}|undefined(?! entity)|\[object/u);
    expect(failure.message.length, what).to.be.lessThan(2100);
    if (names !== undefined) expect(failure.message, what).to.include(names);
    expect(snapshot(base), what).to.deep.equal(before);
  }
  return failure as FlatpkgError;
}
