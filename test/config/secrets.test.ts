import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { readSecret } from '../../src/config/secrets.ts';
import { valuesIn } from '../../src/config/settings.ts';
import { problemsOf } from '../support/errors.ts';

describe('depot3:K03 a secret', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
    file = path.join(folder, 'secret');
    writeFileSync(file, 'sally:s3cret\n', { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const refused = async (reference: { file: string } | { command: string[] }) => {
    const { problems, exitCode } = await problemsOf(readSecret('http.credentials', reference));
    expect(JSON.stringify([problems[0]?.message, problems[0]?.actions])).to.not.include('s3cret');
    return [exitCode, problems[0]?.code];
  };

  it('is read from a file nobody else may read or change', async () => {
    expect(await readSecret('http.credentials', { file })).to.equal('sally:s3cret');
    for (const mode of [0o640, 0o604, 0o620, 0o602]) {
      chmodSync(file, mode);
      expect(await refused({ file }), mode.toString(8)).to.deep.equal([30, 'CONFIG_UNTRUSTED']);
    }
    chmodSync(file, 0o600);
    const link = path.join(folder, 'link');
    symlinkSync(file, link);
    expect(await refused({ file: link })).to.deep.equal([30, 'CONFIG_UNTRUSTED']);
    expect((await refused({ file: path.join(folder, 'none') }))[0]).to.equal(2);
  });

  it('is what a command prints, which no shell reads and only its owner can change', async () => {
    const command = path.join(folder, 'tell');
    writeFileSync(command, '#!/bin/sh\nprintf "%s" "$1:s3cret"\n', { mode: 0o755 });
    expect(await readSecret('http.credentials', { command: [command, 'a;id'] })).to.equal('a;id:s3cret');
    writeFileSync(command, '#!/bin/sh\necho s3cret >&2; echo s3cret; exit 3\n', { mode: 0o755 });
    expect(await refused({ command: [command] })).to.deep.equal([1, 'NO_SECRET']);
    chmodSync(command, 0o757);
    expect(await refused({ command: [command] })).to.deep.equal([30, 'CONFIG_UNTRUSTED']);
  });

  for (const [what, text] of [
    ['empty', ''],
    ['two lines', 'sally:s3cret\nX-Evil: 1'],
    ['a control character', 'sally:s3cret\u0000'],
  ] as const) {
    it(`that is ${what} is none`, async () => {
      writeFileSync(file, text);
      expect(await refused({ file })).to.deep.equal([1, 'NO_SECRET']);
    });
  }

  it('depot3:K14 is named in the configuration, never written there', () => {
    const problemsWith = (credentials: unknown) => valuesIn({ http: { credentials } }).problems;
    expect(problemsWith({ file: '/etc/d3.secret' })).to.deep.equal([]);
    expect(problemsWith({ command: ['/usr/local/bin/tell', '-x'] })).to.deep.equal([]);
    mkdirSync(path.join(folder, 'x'));
    for (const wrong of [
      'sally:s3cret',
      { file: 'x' },
      { command: 'tell' },
      { command: [] },
      { command: ['tell'] },
      {},
    ]) {
      expect(problemsWith(wrong)).to.have.length(1);
      expect(problemsWith(wrong)[0]).to.not.include('s3cret');
    }
  });
});
