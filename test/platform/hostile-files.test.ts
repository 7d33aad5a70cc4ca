import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { plainFilesIn, readHostile } from '../../src/platform/hostile-files.ts';
import { writeOwn } from '../../src/platform/own-files.ts';

describe('files that somebody may have put there to do harm', () => {
  let root: string;
  const at = (name: string) => path.join(root, name);
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
    mkdirSync(at('usage'));
    writeFileSync(at('usage/ann.plist'), 'used');
    writeFileSync(at('secret'), 'nobody’s business');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('are read with who owns them, and no further than the bound', () => {
    chmodSync(at('usage/ann.plist'), 0o600);
    const file = readHostile(root, '/usage/ann.plist', 100);
    expect([file?.bytes.toString(), file?.uid, file?.mode]).to.deep.equal(['used', process.getuid?.(), 0o600]);
    expect(file?.modifiedAt).to.deep.equal(statSync(at('usage/ann.plist')).mtime);
    expect(readHostile(root, '/usage/ann.plist', 4)?.bytes.toString()).to.equal('used');
    expect(readHostile(root, '/usage/ann.plist', 3)).to.equal(null);
  });

  it('are none where a link leads there, at the end or on the way, or where they are no plain files', () => {
    symlinkSync(at('secret'), at('usage/bob.plist'));
    symlinkSync(at('usage'), at('elsewhere'));
    execFileSync('mkfifo', [at('usage/pipe')]);
    mkdirSync(at('usage/folder'));
    for (const file of [
      '/usage/bob.plist',
      '/elsewhere/ann.plist',
      '/usage/pipe',
      '/usage/folder',
      '/usage/none',
      '/no/none',
    ])
      expect(readHostile(root, file, 100), file).to.equal(null);
    expect(plainFilesIn(root, '/usage')).to.deep.equal(['ann.plist']);
    expect(plainFilesIn(root, '/elsewhere')).to.deep.equal([]);
    expect(plainFilesIn(root, '/none')).to.deep.equal([]);
  });

  it('a plugin’s own are written whole into its own folder, which nobody else may enter', () => {
    writeOwn(at('own'), 'state.json', '{}');
    writeOwn(at('own'), 'state.json', '{"a": 1}');
    expect(readFileSync(at('own/state.json'), 'utf8')).to.equal('{"a": 1}');
    expect([statSync(at('own')).mode & 0o777, statSync(at('own/state.json')).mode & 0o777]).to.deep.equal([
      0o700, 0o600,
    ]);
    for (const name of ['../secret', 'a/b', '.hidden']) expect(() => writeOwn(at('own'), name, '')).to.throw(name);
  });
});
