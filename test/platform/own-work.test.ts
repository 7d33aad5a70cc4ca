import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { NODE, repository } from '../cli/spawn.ts';

const uid = process.getuid?.() ?? 0;
const SCRIPT = `
  import { ownWorkFolder } from './src/platform/own-work.ts';
  try { console.log(ownWorkFolder()); } catch ({ code, exit, message }) { console.log(code, exit, message); }`;

describe('where programs of a user work that touch no machine', () => {
  let dir: string;
  let temporary: string;
  let inTemporary: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-test-'));
    temporary = path.join(dir, 'tmp');
    mkdirSync(temporary);
    inTemporary = path.join(temporary, `d3-${uid}`);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const found = (cache: string): string =>
    execFileSync(process.execPath, [...NODE, '--input-type=module-typescript', '--eval', SCRIPT], {
      cwd: repository,
      env: { PATH: process.env['PATH'], HOME: dir, XDG_CACHE_HOME: cache, TMPDIR: temporary },
      encoding: 'utf8',
    }).trim();

  it('is their own place for what can be made anew; it is made when it is needed', () => {
    expect(found(dir)).to.equal(path.join(dir, 'd3', 'work'));
    expect(found(path.join(dir, 'a', 'b'))).to.equal(path.join(dir, 'a', 'b', 'd3', 'work'));
    expect(() => lstatSync(path.join(dir, 'a'))).to.throw('ENOENT');
  });

  it('is among temporary files, private, where others could change that place, or nothing can be made there', () => {
    mkdirSync(path.join(dir, 'open'));
    chmodSync(path.join(dir, 'open'), 0o777);
    writeFileSync(path.join(dir, 'file'), '');
    for (const cache of ['open', 'file', 'open/below']) {
      expect(found(path.join(dir, cache)), cache).to.equal(path.join(inTemporary, 'work'));
      expect(lstatSync(inTemporary).mode & 0o7777).to.equal(0o700);
    }
  });

  it('is nowhere where somebody else has got there first, and that is said', () => {
    mkdirSync(path.join(dir, 'open'));
    chmodSync(path.join(dir, 'open'), 0o777);
    symlinkSync(dir, inTemporary);
    expect(found(path.join(dir, 'open'))).to.match(/^NO_WORK_FOLDER refused .*it is no folder.*$/);
    rmSync(inTemporary);
    mkdirSync(inTemporary);
    chmodSync(inTemporary, 0o755);
    expect(found(path.join(dir, 'open'))).to.match(/^NO_WORK_FOLDER refused .*others may look into it.*$/);
    if (uid !== 0) return;
    chmodSync(inTemporary, 0o700);
    chownSync(inTemporary, 65_534, 65_534);
    expect(found(path.join(dir, 'open'))).to.match(/^NO_WORK_FOLDER refused .*belongs to uid 65534.*$/);
  });
});
