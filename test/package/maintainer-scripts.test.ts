import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { installScripts, removeScripts } from '../../scripts/package/maintainer-scripts.ts';
import { FAKE_NODE, fakeApp } from './fake-app.ts';

const LIB = 'usr/local/lib/d3';

describe('what packages of d3 do when they are installed and removed', () => {
  let folder: string;
  let root: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-package-'));
    root = path.join(folder, 'root');
    mkdirSync(root);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const at = (name: string) => path.join(root, name);
  const put = (name: string, text: string) => {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  };
  type System = 'debian' | 'macos';
  const WORDS = {
    debian: { before: ['upgrade'], after: ['configure'] },
    macos: { before: ['d3.pkg', `/${LIB}`, '/'], after: ['d3.pkg', `/${LIB}`, '/'] },
  };

  function sh(script: string, ...words: string[]): { status: number | null; signal: string | null; stderr: string } {
    const { status, signal, stderr } = spawnSync('sh', ['-s', ...words], { input: script, encoding: 'utf8' });
    return { status, signal, stderr };
  }

  /** As an installer does it: the files of the old version go where it was its own. */
  function install(
    version: string,
    {
      how = `echo "$@" >>"${at('calls')}"; echo d3/${version}`,
      system = 'debian',
    }: { how?: string; system?: System } = {},
  ) {
    const scripts = installScripts({ version, node: FAKE_NODE, system, root });
    const before = sh(scripts.before, ...WORDS[system].before);
    expect(before, before.stderr).to.deep.include({ status: 0 });
    if (system === 'debian')
      for (const old of versions()) if (old !== version) rmSync(at(`${LIB}/versions/${old}`), { recursive: true });
    fakeApp(at(`${LIB}/versions/${version}`), version, how);
    return { ...sh(scripts.after, ...WORDS[system].after), after: scripts.after };
  }
  const versions = () => (existsSync(at(`${LIB}/versions`)) ? readdirSync(at(`${LIB}/versions`)).sort() : []);
  const current = () => readlinkSync(at(`${LIB}/current`));
  const started = () => spawnSync(at('usr/local/bin/d3'), ['--version'], { encoding: 'utf8' }).stdout.trim();
  const calls = () =>
    existsSync(at('calls'))
      ? readFileSync(at('calls'), 'utf8')
          .trim()
          .split('\n')
          .filter((line) => line !== '--version')
      : [];

  for (const system of ['debian', 'macos'] as const) {
    it(`depot3:K07 lay d3 beside the one in force, go over to it by a rename, and keep two: ${system}`, () => {
      for (const [version, kept] of [
        ['1.0.0', ['1.0.0']],
        ['1.1.0', ['1.0.0', '1.1.0']],
        ['1.2.0', ['1.1.0', '1.2.0']],
      ] as const) {
        expect(install(version, { system })).to.deep.include({ status: 0, stderr: '' });
        expect([current(), started(), versions()]).to.deep.equal([`versions/${version}`, `d3/${version}`, kept]);
        expect(readFileSync(at(`${LIB}/versions/${kept[0]}/CHANGELOG.md`), 'utf8')).to.equal(`# ${kept[0]}\n`);
      }
      expect(readdirSync(at(LIB)).sort()).to.deep.equal(['current', 'versions']);
      expect(readlinkSync(at('usr/local/bin/d3admin'))).to.equal('../lib/d3/current/bin/d3admin');
      const state = at(system === 'debian' ? 'var/lib/d3' : 'Library/Application Support/d3');
      expect(statSync(state).mode & 0o7777).to.equal(0o755);
    });
  }

  it('depot3:K07 the version in force stays the very files it was, for whoever runs it', () => {
    install('1.0.0');
    const file = at(`${LIB}/versions/1.0.0/bin/d3`);
    const { ino } = statSync(file);
    install('1.1.0');
    expect(statSync(file).ino).to.equal(ino);
    install('1.1.0');
    expect([versions(), current()]).to.deep.equal([['1.1.0'], 'versions/1.1.0']);
  });

  it('one that does not start is refused, and the old one stays in force', () => {
    install('1.0.0');
    const broken = install('1.1.0', { how: 'exit 3' });
    expect(broken.status).to.equal(1);
    expect(broken.stderr).to.include('d3 1.1.0 does not start here; 1.0.0 stays in force');
    expect([current(), started()]).to.deep.equal(['versions/1.0.0', 'd3/1.0.0']);
    expect(install('1.2.0')).to.deep.include({ status: 0 });
    expect([current(), versions()]).to.deep.equal(['versions/1.2.0', ['1.0.0', '1.2.0']]);
  });

  it('leave alone what somebody else has put where people look for d3, and say so', () => {
    put('usr/local/bin/d3', 'mine');
    const { status, stderr } = install('1.0.0');
    expect([status, stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && text.includes('is something else and stays'),
    );
    expect(readFileSync(at('usr/local/bin/d3'), 'utf8')).to.equal('mine');
    const { after } = removeScripts({ version: '1.0.0', node: FAKE_NODE, system: 'debian', root });
    expect(sh(after, 'remove').status).to.equal(0);
    expect(readFileSync(at('usr/local/bin/d3'), 'utf8')).to.equal('mine');
    expect(existsSync(at(LIB))).to.equal(false);
  });

  it('start nothing on a machine that was told of no depot, and lay the schedule down once where it was', () => {
    mkdirSync(at('run/systemd/system'), { recursive: true });
    install('1.0.0');
    expect(calls()).to.deep.equal([]);
    put('etc/d3.json', '{}');
    install('1.1.0');
    expect(calls(), 'whoever had d3 before has decided').to.deep.equal([]);
    rmSync(at(LIB), { recursive: true });
    install('1.1.0');
    expect(calls()).to.deep.equal(['service install --no-input']);
    install('1.2.0');
    expect(calls().length).to.equal(1);
  });

  it('lay no schedule down where no system runs that would keep it', () => {
    put('etc/d3.json', '{}');
    install('1.0.0');
    expect(calls()).to.deep.equal([]);
  });

  it('do nothing for what dpkg calls them besides, nor on a volume that no Mac runs from', () => {
    for (const [system, words] of [
      ['debian', ['abort-upgrade', '1.0.0']],
      ['macos', ['d3.pkg', `/${LIB}`, '/Volumes/Other']],
    ] as const) {
      const { before, after } = installScripts({ version: '1.0.0', node: FAKE_NODE, system, root });
      for (const script of [before, after]) expect(sh(script, ...words)).to.deep.include({ status: 0, stderr: '' });
    }
    const { before, after } = removeScripts({ version: '1.0.0', node: FAKE_NODE, system: 'debian', root });
    for (const script of [before, after])
      expect(sh(script, 'upgrade', '1.1.0')).to.deep.include({ status: 0, stderr: '' });
    expect(readdirSync(root)).to.deep.equal([]);
  });

  it('take the program away and leave the state; only a purge takes that, and never a depot', () => {
    const remove = (version: string) => removeScripts({ version, node: FAKE_NODE, system: 'debian', root });
    const fill = () => {
      put('var/lib/d3/state.db', 'state');
      put('var/cache/d3/packages/x', 'x');
      for (const name of ['d3.log', 'd3.log.1', 'd3.login']) put(`var/log/${name}`, 'x');
      put('etc/d3.json', '{}');
    };
    mkdirSync(at('run/systemd/system'), { recursive: true });
    install('1.0.0');
    install('1.1.0');
    fill();
    expect(sh(remove('1.1.0').before, 'remove').status).to.equal(0);
    expect(calls()).to.deep.equal(['service remove --no-input']);
    expect(sh(remove('1.1.0').after, 'remove')).to.deep.include({ status: 0, stderr: '' });
    expect([
      existsSync(at(LIB)),
      readdirSync(at('usr/local/bin')),
      readFileSync(at('var/lib/d3/state.db'), 'utf8'),
    ]).to.deep.equal([false, [], 'state']);
    expect(sh(remove('1.1.0').after, 'purge')).to.deep.include({ status: 0, stderr: '' });
    expect([
      existsSync(at('var/lib/d3')),
      existsSync(at('var/cache/d3')),
      readdirSync(at('var/log')),
      readdirSync(at('etc')),
    ]).to.deep.equal([false, false, ['d3.login'], ['d3.json']]);
    fill();
    put('var/lib/d3/depot/depot.db', 'all of it');
    expect(sh(remove('1.1.0').after, 'purge').stderr).to.include('has a depot in it and stays');
    expect(readFileSync(at('var/lib/d3/depot/depot.db'), 'utf8')).to.equal('all of it');
  });

  it('depot3:K07 killed before any step, leave a d3 that starts, and done again come to the same', () => {
    install('1.0.0');
    const base = path.join(folder, 'base');
    install('1.1.0');
    cpSync(root, base, { recursive: true, verbatimSymlinks: true });
    const scripts = installScripts({ version: '1.2.0', node: FAKE_NODE, system: 'debian', root });
    const steps = (script: string) =>
      script
        .split('\n')
        .flatMap((line, index) => (/^\s*(?:rm|mv|ln|mkdir|cp|copy|point|"\$lib)/.test(line) ? [index] : []));
    const cut = (script: string, step: number) => script.split('\n').toSpliced(step, 0, 'kill -9 $$').join('\n');
    let cuts = 0;
    for (const part of ['before', 'after'] as const) {
      for (const step of steps(scripts[part])) {
        rmSync(root, { recursive: true });
        cpSync(base, root, { recursive: true, verbatimSymlinks: true });
        if (part === 'after') {
          expect(sh(scripts.before, 'upgrade').status).to.equal(0);
          rmSync(at(`${LIB}/versions/1.1.0`), { recursive: true });
          fakeApp(at(`${LIB}/versions/1.2.0`), '1.2.0');
        }
        const { signal } = sh(cut(scripts[part], step), WORDS.debian[part][0] as string);
        if (signal === null) continue;
        cuts += 1;
        expect(started(), `${part} ${step}`).to.be.oneOf(['d3/1.1.0', 'd3/1.2.0']);
        const again = install('1.2.0', { how: 'echo d3/1.2.0' });
        expect(again, `${part} ${step}: ${again.stderr}`).to.deep.include({ status: 0 });
        expect([current(), started(), versions().includes('1.2.0')], `${part} ${step}`).to.deep.equal([
          'versions/1.2.0',
          'd3/1.2.0',
          true,
        ]);
        expect(readdirSync(at(LIB)).sort(), `${part} ${step}`).to.deep.equal(['current', 'versions']);
      }
    }
    expect(cuts).to.be.greaterThan(8);
  });
});
