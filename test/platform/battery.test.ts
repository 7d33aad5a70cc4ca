import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { keepAwake } from '../../src/platform/awake.ts';
import { batteryOf, linuxBattery, parsePmset } from '../../src/platform/battery.ts';
import type { ProgramAnswer, ProgramCall, RunProgram } from '../../src/platform/program.ts';
import { PMSET } from '../recorded/mac.ts';

const ANSWER: ProgramAnswer = {
  code: 0,
  signal: null,
  timedOut: false,
  stdout: '',
  stderr: '',
  cut: false,
  lastLines: [],
};

describe('what a machine runs on', () => {
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is what pmset says on a Mac; one without a battery, and a UPS, has none', async () => {
    expect(parsePmset(PMSET.plugged)).to.deep.equal({ charging: true, percent: 62 });
    expect(parsePmset(PMSET.battery)).to.deep.equal({ charging: false, percent: 43 });
    expect(parsePmset(PMSET.desktop)).to.equal(null);
    expect(parsePmset(PMSET.ups)).to.equal(null);
    const calls: ProgramCall[] = [];
    const run: RunProgram = async (call) => {
      calls.push(call);
      return { ...ANSWER, stdout: PMSET.battery };
    };
    const parts = { root: '/', facts: null, platform: 'darwin', run } as const;
    expect(await batteryOf(parts)).to.deep.equal({ charging: false, percent: 43 });
    expect(calls.map(({ program, args }) => [program, ...args])).to.deep.equal([['/usr/bin/pmset', '-g', 'batt']]);
    const failing: RunProgram = async () => {
      throw new Error('no such program');
    };
    expect(await batteryOf({ ...parts, run: failing })).to.equal(null);
  });

  it('is what the kernel says on Linux; batteries of mice are none', () => {
    const supply = (name: string, values: Record<string, string>) => {
      mkdirSync(path.join(dir, name));
      for (const [key, value] of Object.entries(values)) writeFileSync(path.join(dir, name, key), `${value}\n`);
    };
    expect(linuxBattery(path.join(dir, 'absent'))).to.equal(null);
    supply('hid-mouse', { type: 'Battery', scope: 'Device', capacity: '12', status: 'Discharging' });
    expect(linuxBattery(dir)).to.equal(null);
    supply('BAT0', { type: 'Battery', capacity: '31', status: 'Discharging' });
    expect(linuxBattery(dir)).to.deep.equal({ charging: false, percent: 31 });
    supply('AC', { type: 'Mains', online: '0' });
    expect(linuxBattery(dir)?.charging).to.equal(false);
    writeFileSync(path.join(dir, 'AC', 'online'), '1\n');
    expect(linuxBattery(dir)).to.deep.equal({ charging: true, percent: 31 });
  });

  it('is what facts.json says of a root folder, and nothing else', async () => {
    const facts = path.join(dir, 'facts.json');
    const parts = { root: dir, facts, platform: process.platform, run: async () => ANSWER };
    expect(await batteryOf(parts)).to.equal(null);
    writeFileSync(facts, '{"battery": {"charging": false, "percent": 5}}');
    expect(await batteryOf(parts)).to.deep.equal({ charging: false, percent: 5 });
    writeFileSync(facts, '{"battery": {"charging": false, "percent": 101}}');
    expect(await batteryOf(parts).catch((error: Error) => error.message)).to.include('battery is not');
  });

  describe('is kept awake', () => {
    const held =
      (calls: ProgramCall[]): RunProgram =>
      (call) => {
        calls.push(call);
        return new Promise((resolve) =>
          call.signal?.addEventListener('abort', () => resolve({ ...ANSWER, code: null })),
        );
      };

    it('while work is done, by a program that ends with d3, however that ends', async () => {
      for (const [platform, program] of [
        ['darwin', '/usr/bin/caffeinate'],
        ['linux', '/usr/bin/systemd-inhibit'],
      ] as const) {
        const calls: ProgramCall[] = [];
        expect(await keepAwake(async () => calls.length, { root: '/', platform, run: held(calls) })).to.equal(1);
        expect(calls[0]?.program).to.equal(program);
        expect(calls[0]?.args).to.include(String(process.pid));
        expect(calls[0]?.signal?.aborted, 'over with the work').to.equal(true);
      }
    });

    it('not in a root folder; and where no program does it the work is done all the same', async () => {
      const calls: ProgramCall[] = [];
      expect(await keepAwake(async () => 'done', { root: dir, platform: 'linux', run: held(calls) })).to.equal('done');
      expect(calls).to.deep.equal([]);
      const absent: RunProgram = async () => {
        throw new Error('no such program');
      };
      expect(await keepAwake(async () => 'done', { root: '/', platform: 'linux', run: absent })).to.equal('done');
    });
  });
});
