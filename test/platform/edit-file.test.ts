import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { editFile } from '../../src/platform/edit-file.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('editing a file of the system', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());
  const root = () => sandbox.folder('root', { 'etc/': '' });
  const at = (file: string) => path.join(root(), file);
  const edit = (file: string, change: (text: string | null) => string | null, folders?: number) =>
    editFile(root(), file, change, { mode: 0o640, ...(folders === undefined ? {} : { folders }) });

  it('makes, changes and takes away, and says whether anything changed', () => {
    expect(edit('/etc/a.conf', (text) => `${text ?? 'new'}\n`)).to.equal(true);
    expect(statSync(at('etc/a.conf')).mode & 0o7777).to.equal(0o640);
    chmodSync(at('etc/a.conf'), 0o604);
    const { ino } = statSync(at('etc/a.conf'));
    expect(edit('/etc/a.conf', (text) => text)).to.equal(false);
    expect(statSync(at('etc/a.conf')).ino).to.equal(ino);
    expect(edit('/etc/a.conf', (text) => `${text}more\n`)).to.equal(true);
    expect(readFileSync(at('etc/a.conf'), 'utf8')).to.equal('new\nmore\n');
    expect(statSync(at('etc/a.conf')).mode & 0o7777).to.equal(0o604);
    expect(edit('/etc/a.conf', () => null)).to.equal(true);
    expect(edit('/etc/a.conf', () => null)).to.equal(false);
    expect(readdirSync(at('etc'))).to.deep.equal([]);
  });

  it('keeps bytes that are no UTF-8', () => {
    writeFileSync(at('etc/latin'), Buffer.from([0x61, 0xe9, 0x0a]));
    edit('/etc/latin', (text) => `${text}b\n`);
    expect([...readFileSync(at('etc/latin'))]).to.deep.equal([0x61, 0xe9, 0x0a, 0x62, 0x0a]);
  });

  it('follows no link, at the end or on the way, and touches nothing that is no plain file', () => {
    const outside = sandbox.folder('outside', { file: 'untouched' });
    symlinkSync(path.join(outside, 'file'), at('etc/link'));
    symlinkSync(outside, at('way'));
    mkdirSync(at('etc/folder'));
    for (const file of ['/etc/link', '/way/file', '/way/new/file', '/etc/folder', '/etc/../etc/x', 'etc/x'])
      expect(() => edit(file, () => 'changed', 0o700), file).to.throw(D3Error, 'is left as it is');
    expect(readFileSync(path.join(outside, 'file'), 'utf8')).to.equal('untouched');
    expect(readdirSync(outside)).to.deep.equal(['file']);
  });

  it('makes folders only where it is told to, and leaves the old text when the change fails', () => {
    expect(() => edit('/home/x/.ssh/keys', () => 'a')).to.throw(D3Error, 'there is no folder');
    expect(edit('/home/x/.ssh/keys', () => 'a', 0o700)).to.equal(true);
    expect(statSync(at('home/x/.ssh')).mode & 0o7777).to.equal(0o700);
    expect(() =>
      edit('/home/x/.ssh/keys', () => {
        throw new Error('no');
      }),
    ).to.throw('no');
    expect(readFileSync(at('home/x/.ssh/keys'), 'utf8')).to.equal('a');
    expect(readdirSync(at('home/x/.ssh'))).to.deep.equal(['keys']);
    expect(existsSync(at('etc/x'))).to.equal(false);
  });
});
