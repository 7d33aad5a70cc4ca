import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { gatherMachineFacts } from '../../src/platform/machine.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import { problemsOf } from '../support/errors.ts';

describe('what a machine is', () => {
  let root: string;
  let facts: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-facts-')));
    facts = machinePaths(root, process.platform).facts as string;
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is said by facts.json of a root folder, each key for itself', async () => {
    const host = await gatherMachineFacts(root, facts);
    expect(host.name).to.equal(path.basename(root));
    expect(host).to.deep.include({ serial: null, hardwareUuid: null, macs: [] });
    const said = {
      name: 'mac-a',
      os: { name: 'macOS', version: '14.5' },
      cpu: 'arm64',
      model: 'Mac14,2',
      serial: 'C02',
      hardwareUuid: '1-2',
      macs: ['00:11'],
      user: 'calvin',
      processes: ['Safari'],
      provisioning: { state: 'complete' },
    };
    for (const [key, value] of Object.entries(said)) {
      writeFileSync(facts, JSON.stringify({ [key]: value }));
      const { processes: _some, cutProcesses: _cut, ...others } = { ...host, [key]: value };
      expect(await gatherMachineFacts(root, facts)).to.deep.include(others);
    }
    writeFileSync(facts, JSON.stringify(said));
    expect(await gatherMachineFacts(root, facts)).to.deep.equal({
      ...said,
      cutProcesses: [],
      provisioningComplete: true,
    });
  });

  for (const [what, text, why] of [
    ['no JSON', '{', /JSON/],
    ['a list', '[]', /not a JSON object/],
    ['nothing', 'null', /not a JSON object/],
    ['an unknown key', '{"cpus": "arm64"}', /names cpus/],
    ['a number for a text', '{"name": 1}', /name is not a string/],
    ['null for a text', '{"serial": null}', /serial is not a string/],
    ['a text for a list', '{"macs": "00"}', /macs is not a list of strings/],
    ['numbers in a list', '{"processes": [1]}', /processes is not a list of strings/],
    ['an OS without a version', '{"os": {"name": "macOS"}}', /os is not/],
    ['no OS', '{"os": null}', /os is not/],
    ['an OS like no list', '{"os": {"name": "debian", "version": "12", "like": "x"}}', /os is not/],
    ['a number for what is known of its provisioning', '{"provisioning": {"build": 4}}', /provisioning is not names/],
    ['a hidden key', '{"__proto__": {"name": "x"}}', /names __proto__/],
    ['too much', `{"name": "${'x'.repeat(2 ** 20)}"}`, /larger than 1 MiB/],
  ] as const) {
    it(`is not said by a facts.json with ${what} (2), which is named`, async () => {
      writeFileSync(facts, text);
      const { problems, exitCode } = await problemsOf(gatherMachineFacts(root, facts));
      expect(exitCode).to.equal(2);
      expect(problems[0]?.target).to.equal(facts);
      expect(problems[0]?.message).to.match(why);
      expect(problems[0]?.actions.join()).to.include('hardwareUuid');
    });
  }

  it('is its host when it has no root of its own, whatever a facts.json says', async () => {
    const paths = machinePaths('/', 'linux');
    expect(paths.facts).to.equal(null);
    const host = await gatherMachineFacts('/', paths.facts);
    expect(host.name).to.equal(os.hostname());
    expect(host.os.name).to.match(/^\S+$/);
    expect(host.os.version).to.not.equal('');
    expect(host.cpu).to.be.oneOf(['x86_64', 'arm64']);
    for (const mac of host.macs) expect(mac).to.match(/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    expect(host.processes).to.not.deep.equal([]);
    expect(host.processes).to.deep.equal([...new Set(host.processes)].toSorted());
  });

  it('knows processes by their full names, also of programs that were replaced since', async function () {
    if (process.platform !== 'linux') this.skip();
    const names = ['a-program-with-a-name-longer-than-the-kernel-keeps', 'a-program-that-is-removed-while-it-runs'];
    const children = names.map((name) => {
      copyFileSync('/bin/sleep', path.join(root, name));
      return spawn(path.join(root, name), ['30'], { argv0: 'disguised' });
    });
    try {
      await Promise.all(children.map((child) => once(child, 'spawn')));
      rmSync(path.join(root, names[1] as string));
      const { processes } = await gatherMachineFacts(root, null);
      expect(processes).to.include.members([...names, 'disguised']);
      expect(processes.filter((name) => name.includes('deleted'))).to.deep.equal([]);
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
  });
});
