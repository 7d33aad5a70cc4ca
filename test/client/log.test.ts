import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Reporter } from '@d3/sdk';
import { expect } from 'chai';
import { logsOf } from '../../src/client/log.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../src/config/settings.ts';
import { strftime } from '../../src/config/strftime.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('depot3:K05 the log', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let file: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    file = machine.machine.paths.log;
    await sandbox.add('tool', '1', { live: true });
  });
  afterEach(() => sandbox.remove());

  function logged(changes: Partial<Settings> = {}, clock = systemClock): SandboxMachine {
    const openLog = logsOf(machine.machine.paths, { ...DEFAULT_SETTINGS, ...changes }, clock, 4711, 'Studio Mac 7');
    return machine.with({ openLog });
  }
  const lines = (from = file) => readFileSync(from, 'utf8').trim().split('\n');

  it('has begin, decisions with their reasons, outcomes and end of a run, in lines as the ancestor wrote them', async () => {
    const result = await logged().install(['tool', 'nothing']);
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d d3 \[4711\]: `;
    for (const line of lines()) expect(line).to.match(new RegExp(`^${time}[A-Z]+: \\[${result.run}\\] `));
    const text = lines().map((line) => line.replace(/^.*?\]: (\w+): \[[^\]]+\] /, '$1 '));
    expect(text).to.deep.equal([
      'INFO install begins, by sally',
      'INFO tool-1-1: install (tool-1-1 is live; asked for by sally)',
      'INFO tool-1-1: installing',
      'INFO tool-1-1: installed',
      'INFO nothing: refused (nothing in the depot is called nothing)',
      'ERROR nothing: refused: nothing in the depot is called nothing',
      'INFO install ends with 40',
    ]);
  });

  it('has a level, everything under --debug, and can be JSON', async () => {
    await logged({ logLevel: 'error' }).install(['tool', 'nothing']);
    expect(lines()).to.have.length(1);
    await logged({ logFormat: 'json' }).request({ kind: 'thaw', targets: ['tool'] }, { debug: true });
    const [, ...documents] = lines();
    expect(JSON.parse(documents[0] ?? '')).to.deep.include({
      level: 'info',
      program: 'd3',
      pid: 4711,
      text: 'thaw begins, by sally',
    });
    rmSync(file);
    await logged({ logLevel: 'off' }).sync();
    expect(existsSync(file)).to.equal(false);
  });

  it('patchoo:IN-07 can be in lines as jamf.log has them, behind those that are there', async () => {
    mkdirSync(path.dirname(file), { recursive: true });
    const jamf = 'Tue Oct 14 17:47:14 Studio Mac 7 jamf[21302]: Installing Acrobat-11.0.09.pkg...';
    writeFileSync(file, `${jamf}\n`);
    const clock = { now: () => new Date(2014, 9, 4, 7, 5, 9) };
    await logged({ logFormat: 'jamf' }, clock).install(['tool', 'nothing']);
    const at = 'Sat Oct 04 07:05:09 Studio Mac 7 d3[4711]:';
    expect(lines()).to.deep.equal([
      jamf,
      `${at} install begins, by sally`,
      `${at} tool-1-1: install (tool-1-1 is live; asked for by sally)`,
      `${at} tool-1-1: installing`,
      `${at} tool-1-1: installed`,
      `${at} nothing: refused (nothing in the depot is called nothing)`,
      `${at} ERROR: nothing: refused: nothing in the depot is called nothing`,
      `${at} install ends with 40`,
    ]);
    const forged = 'x\nTue Oct 14 17:47:14 Studio Mac 7 jamf[1]: forged';
    await logged({ logFormat: 'jamf' }, clock).install([forged]);
    expect(
      lines()
        .filter((line) => line.includes('jamf[1]'))
        .every((line) => line.startsWith(at)),
    ).to.equal(true);
  });

  it('lets no text pass for a line of another', async () => {
    await logged().install(['x\n2020-01-01 00:00:00 d3 [1]: FATAL: [x] forged\u001b[31m']);
    expect(lines().every((line) => line.includes('d3 [4711]: '))).to.equal(true);
    expect(lines().join('\n')).to.not.include('\u001b');
    expect(lines().join('\n')).to.include(String.raw`x\n2020-01-01`);
  });

  it('begins anew when it is full, and keeps so many of the full ones', async () => {
    mkdirSync(path.dirname(file), { recursive: true });
    for (const round of [1, 2, 3, 4]) {
      writeFileSync(file, `round ${round}\n${'x'.repeat(1_000_000)}`);
      await logged({ logMaxMegabytes: 1, logKeep: 2 }).sync();
    }
    expect(lines()[0]).to.include('sync begins');
    expect([1, 2, 3].map((number) => existsSync(`${file}.${number}`) && lines(`${file}.${number}`)[0])).to.deep.equal([
      'round 4',
      'round 3',
      false,
    ]);
  });

  it('that cannot be written, or is a link, stops nothing and is said once', async () => {
    mkdirSync(path.dirname(file), { recursive: true });
    const target = path.join(sandbox.dir, 'target');
    writeFileSync(target, 'mine');
    const tries: [string, () => void][] = [
      ['a link', () => symlinkSync(target, file)],
      ['a folder', () => mkdirSync(file)],
    ];
    for (const [what, make] of tries) {
      rmSync(file, { recursive: true, force: true });
      make();
      const said: string[] = [];
      const report: Reporter = (event) => {
        if ('text' in event && event.text.includes('nothing is logged')) said.push(event.type);
      };
      const { exit } = await logged().request({ kind: 'sync', force: false, puppies: false }, { report });
      expect([exit, said], what).to.deep.equal([0, ['detail']]);
    }
    expect(readFileSync(target, 'utf8')).to.equal('mine');
    rmSync(file, { recursive: true });
    writeFileSync(file, '');
    chmodSync(file, 0o444);
    expect((await logged().sync()).exit).to.equal(0);
  });

  it('takes whole lines from several processes at once', async () => {
    const script = `
      import { LogFile } from './src/platform/log-file.ts';
      const log = LogFile.open({ file: process.argv[1], most: 1e9, keep: 1 });
      for (let line = 0; line < 500; line += 1) log.write(process.argv[2].repeat(200));
      log.close();`;
    const args = ['--conditions=d3-source', '--input-type=module-typescript', '--eval', script, file];
    const ends = ['a', 'b', 'c'].map((letter) => once(spawn(process.execPath, [...args, letter]), 'exit'));
    for (const end of ends) expect((await end)[0]).to.equal(0);
    expect(lines().length).to.equal(1500);
    for (const line of lines()) expect(line).to.match(/^(?:a{200}|b{200}|c{200})$/);
  });

  it('writes times as strftime does', () => {
    const at = new Date(2026, 0, 5, 3, 4, 9, 7);
    expect(strftime('%Y-%m-%d %H:%M:%S.%L|%y %e %I %p|%j|%a %A %b %B|%F %T|100%%|%Q', at)).to.equal(
      '2026-01-05 03:04:09.007|26  5 03 AM|005|Mon Monday Jan January|2026-01-05 03:04:09|100%|%Q',
    );
    expect(strftime('%j %I %p', new Date(2024, 11, 31, 12))).to.equal('366 12 PM');
    expect(strftime('%z', at)).to.match(/^[+-]\d{4}$/);
  });
});
