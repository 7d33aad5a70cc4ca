import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { d3, type Ended } from '../cli/spawn.ts';

interface Envelope<Result> {
  exit: number;
  result: Result;
  errors: { code: string; message: string; target: string }[];
  warnings: string[];
}

/** The packaging commands, as typed. */
describe('d3 pkg', () => {
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-pkg-')));
    mkdirSync(path.join(dir, 'root/opt'), { recursive: true });
    mkdirSync(path.join(dir, 'scripts'));
    writeFileSync(path.join(dir, 'root/opt/file'), 'content');
    writeFileSync(path.join(dir, 'root/opt/\u001b[31mred'), '');
    writeFileSync(path.join(dir, 'scripts/postinstall'), '#!/bin/sh\n');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const run = (...line: string[]): Promise<Ended> => d3(['pkg', ...line], { cwd: dir });

  async function ok(...line: string[]): Promise<string> {
    const ended = await run(...line);
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}`).to.equal(0);
    return ended.stdout;
  }

  async function json<Result>(...line: string[]): Promise<Envelope<Result>> {
    return JSON.parse((await run(...line, '--json')).stdout) as Envelope<Result>;
  }

  const build = (...more: string[]) =>
    ok('build', 'root', '--identifier', 'org.example.p', '--pkg-version', '1.2', '--output', 'p.pkg', ...more);

  it('verify reads all there is, and says what it does not verify', async () => {
    await build('--scripts', 'scripts');
    expect(await ok('verify', 'p.pkg'))
      .to.match(/Checksums: +right for all 4 members, \d+ bytes/)
      .and.match(/Signature: +none/);
    const whole = readFileSync(path.join(dir, 'p.pkg'));
    whole[whole.length - 40] = (whole[whole.length - 40] as number) ^ 1;
    writeFileSync(path.join(dir, 'p.pkg'), whole);
    const { code, stderr } = await run('verify', 'p.pkg');
    expect(code).to.equal(33);
    expect(stderr).to.match(/Scripts/);
  });

  it('list and extract take the scripts as well', async () => {
    await build('--scripts', 'scripts', '--install-location', '/srv');
    expect(await ok('list', 'p.pkg')).to.include('/srv/opt/file');
    expect(await ok('list', 'p.pkg', '--scripts')).to.include('/postinstall');
    await ok('extract', 'p.pkg', '--scripts', '--to', 'out');
    expect(readdirSync(path.join(dir, 'out'))).to.deep.equal(['postinstall']);
  });

  it('build makes packages of scripts alone, with what they demand, and says what is missing', async () => {
    const rest = ['--identifier', 'org.example.s', '--pkg-version', '1', '--output', 's.pkg'];
    await ok('build', '--scripts', 'scripts', '--restart', 'restart', '--checksum', 'sha256', ...rest);
    expect(await ok('inspect', 's.pkg'))
      .to.match(/Table of contents: +sha256/)
      .and.match(/Restart: +restart/)
      .and.match(/Receipts: +none/)
      .and.match(/Payload: +none/);
    const { code, stderr } = await run('build', ...rest);
    expect([code, stderr.includes('scripts')], stderr).to.deep.equal([2, true]);
  });

  it('no control character of a package reaches the terminal raw', async () => {
    await build();
    for (const line of [
      ['list', 'p.pkg'],
      ['list', 'p.pkg', '--json'],
    ]) {
      const { stdout, code } = await run(...line);
      expect(code).to.equal(0);
      expect(stdout).not.to.include('\u001b');
    }
    const { result } = await json<{ path: string }[]>('list', 'p.pkg');
    expect(result.map((entry) => entry.path)).to.include('opt/\u001b[31mred');
  });

  it('no text of a package can pass for a line of ours', async () => {
    await ok(
      'build',
      'root',
      '--identifier',
      'org.example.p',
      '--pkg-version',
      '1\nSignature: RSA',
      '--output',
      'p.pkg',
    );
    const lines = (await ok('inspect', 'p.pkg')).split('\n');
    expect(lines.filter((line) => line.startsWith('Signature:'))).to.have.length(1);
    expect(lines).to.include('Version:           1\\nSignature: RSA');
  });

  it('a component that is not there is a usage error that names those that are', async () => {
    await build();
    const { exit, errors } = await json('extract', 'p.pkg', '--to', 'out', '--component', 'org.example.q');
    expect(exit).to.equal(2);
    expect(errors[0]?.message).to.include('org.example.p');
    expect(readdirSync(dir)).not.to.include('out');
  });

  it('each refuses what is no package by name, with nothing written', async () => {
    writeFileSync(path.join(dir, 'bad.pkg'), 'xar!nonsense');
    const lines = [['inspect'], ['list'], ['verify'], ['extract', '--to', 'out']];
    const ended = lines.flatMap(([command = '', ...flags]) => [
      run(command, 'bad.pkg', ...flags).then(({ code }) => [command, code]),
      run(command, 'absent.pkg', ...flags).then(({ code, stderr }) => [command, code, stderr.includes('absent.pkg')]),
    ]);
    expect(await Promise.all(ended)).to.deep.equal(
      lines.flatMap(([command]) => [
        [command, 33],
        [command, 2, true],
      ]),
    );
    expect(readdirSync(dir).toSorted()).to.deep.equal(['bad.pkg', 'root', 'scripts']);
  });
});
