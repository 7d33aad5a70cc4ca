import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';

describe('d3 config, as a process', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-config-')));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const own = () => path.join(root, 'etc', 'd3.json');
  const config = async (...words: string[]) => {
    const { code, stdout, stderr } = await d3(['config', ...words], { env: { D3_ROOT: root } });
    return { code, stdout, stderr };
  };

  it('set, get, unset and validate do what they say', async () => {
    const set = await config('set', 'sync.pilots', 'update');
    expect([set.code, set.stderr, set.stdout]).to.deep.equal([0, '', `sync.pilots is update (${own()})\n`]);
    expect(JSON.parse(readFileSync(own(), 'utf8'))).to.deep.equal({ sync: { pilots: 'update' } });
    expect((await config('get', 'sync.pilots')).stdout).to.equal('update\n');
    expect(await config('validate')).to.deep.include({ code: 0, stdout: `The configuration is right: ${own()}\n` });
    expect((await config('set', 'sync.pilots', '--unset')).stdout).to.equal(`sync.pilots is hold (${own()})\n`);
    expect((await config('get', 'sync.pilots')).stdout).to.equal('hold\n');
  });

  it('neither a value nor --unset is wrong usage (2), and so are both; a wrong file is told by validate', async () => {
    for (const words of [['sync.pilots'], ['sync.pilots', 'hold', '--unset']]) {
      const { code, stderr } = await config('set', ...words);
      expect(code, stderr).to.equal(2);
    }
    expect(existsSync(own())).to.equal(false);
    mkdirSync(path.dirname(own()));
    writeFileSync(own(), '{"sync.pilots": "maybe"}');
    const { code, stderr } = await config('validate');
    expect(code).to.equal(2);
    expect(stderr).to.include('sync.pilots');
  });
});
