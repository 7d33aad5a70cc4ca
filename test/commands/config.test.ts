import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { programFor, whyUntrustedProgram } from '../../src/cli/service-here.ts';
import { d3 } from '../cli/spawn.ts';

describe('d3 config and d3 service, as processes', () => {
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

  it('a dry run says what would be written, checks it, and writes nothing', async () => {
    const first = await config('set', 'sync.pilots', 'update', '--dry-run');
    expect([first.code, first.stdout]).to.deep.equal([0, `sync.pilots would be update (${own()})\n`]);
    expect((await config('set', 'sync.pilots', 'maybe', '--dry-run')).code).to.equal(2);
    expect(existsSync(own())).to.equal(false);
    await config('set', 'sync.pilots', 'update');
    const before = readFileSync(own(), 'utf8');
    const unset = await config('set', 'sync.pilots', '--unset', '--dry-run');
    expect(unset.stdout).to.equal(`sync.pilots would no longer be set (${own()})\n`);
    expect(readFileSync(own(), 'utf8')).to.equal(before);
  });

  it('a link that leads out of the root is refused (30), and nothing is written behind it', async () => {
    const elsewhere = mkdtempSync(path.join(os.tmpdir(), 'd3-elsewhere-'));
    try {
      symlinkSync(elsewhere, path.join(root, 'etc'));
      for (const words of [
        ['config', 'set', 'sync.pilots', 'update'],
        ['service', 'install'],
        ['thaw', 'x'],
      ]) {
        const { code, stderr } = await d3(words, { env: { D3_ROOT: root } });
        expect([code, stderr.includes('out of the root')], words.join(' ')).to.deep.equal([30, true]);
      }
      rmSync(path.join(root, 'etc'));
      for (const place of ['var/log/d3.log', 'var/lib/d3/trust', 'var/lib/d3/run.lock', 'var/lib/d3/owners']) {
        mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
        symlinkSync(path.join(elsewhere, 'there'), path.join(root, place));
        const { code, stderr } = await d3(['thaw', 'x'], { env: { D3_ROOT: root } });
        expect([code, stderr.includes(place)], place).to.deep.equal([30, true]);
        rmSync(path.join(root, place));
      }
      expect(readdirSync(elsewhere)).to.deep.equal([]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('a schedule is rehearsed, and one that comes more often than every minute is wrong usage (2)', async () => {
    const service = async (...words: string[]) => d3(['service', ...words, '--json'], { env: { D3_ROOT: root } });
    expect((await service('install', '--every', '59s')).code).to.equal(2);
    const rehearsed = await service('install', '--every', '1m', '--dry-run');
    const { result, warnings } = JSON.parse(rehearsed.stdout);
    expect([rehearsed.code, result.dryRun, result.files.length > 0]).to.deep.equal([0, true, true]);
    expect(warnings.join()).to.include('no depot is configured').and.include('there is no /usr/local/bin/d3 in');
    expect(readdirSync(root)).to.deep.equal([]);
    await config('set', 'depot', 'https://depot.example.org/d3');
    mkdirSync(path.join(root, 'usr/local/bin'), { recursive: true });
    writeFileSync(path.join(root, 'usr/local/bin/d3'), '');
    const laid = JSON.parse((await service('install')).stdout);
    expect(laid.warnings).to.deep.equal([]);
    await service('remove', '--dry-run');
    expect(result.files.map((file: string) => existsSync(file))).to.not.include(false);
    await service('remove');
    expect(result.files.map((file: string) => existsSync(file))).to.not.include(true);
  });

  it('a program that others could change or swap is none for a schedule', () => {
    const program = path.join(root, 'd3');
    expect(whyUntrustedProgram(program)).to.equal('it is not there');
    writeFileSync(program, '', { mode: 0o755 });
    expect(whyUntrustedProgram(program)).to.equal(null);
    chmodSync(program, 0o777);
    expect(whyUntrustedProgram(program)).to.equal(`others may write ${program}`);
    chmodSync(program, 0o755);
    chmodSync(root, 0o777);
    expect(whyUntrustedProgram(program)).to.include('others may write');
    chmodSync(root, 0o700);
    const link = path.join(root, 'open', 'd3');
    mkdirSync(path.dirname(link));
    chmodSync(path.dirname(link), 0o777);
    symlinkSync(program, link);
    expect(whyUntrustedProgram(link), 'where the link lies').to.include('others may write');
    expect(() => programFor('d3', '/', root)).to.throw(/absolute path/);
    expect(() => programFor(link, '/', root)).to.throw(/others may write/);
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
