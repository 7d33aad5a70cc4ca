import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { page } from '../../src/terminal/pager.ts';

describe('the pager', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'd3-pager-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const less = (script: string): { PATH: string } => {
    writeFileSync(join(folder, 'less'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'less'), 0o755);
    return { PATH: `${folder}:${process.env['PATH']}` };
  };

  it('gets the whole text, and may not start other programs', async () => {
    const text = 'line\n'.repeat(50_000);
    const env = less(`cat > ${folder}/seen; echo "$LESSSECURE" > ${folder}/secure`);
    expect(await page(text, env)).to.equal(true);
    expect(readFileSync(join(folder, 'seen'), 'utf8')).to.equal(text);
    expect(readFileSync(join(folder, 'secure'), 'utf8')).to.equal('1\n');
  });

  it('may be left early', async () => {
    expect(await page('line\n'.repeat(500_000), less('exec 0<&-; exit 2'))).to.equal(true);
  });

  it('leaves the interrupt key as it was', async () => {
    const before = process.listeners('SIGINT');
    await page('text\n', less('exit 0'));
    expect(process.listeners('SIGINT')).to.deep.equal(before);
  });

  it('says so when there is none', async () => {
    expect(await page('text\n', { PATH: folder })).to.equal(false);
  });
});
