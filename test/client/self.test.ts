import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { expect } from 'chai';
import { addEdition } from '../../src/admin/add.ts';
import { makeLive, proposeLive } from '../../src/admin/live.ts';
import { writeOwnIndex } from '../../src/startup/own-plugins.ts';
import { cutEverywhere } from '../kill/cuts.ts';
import { BuiltD3 } from '../startup/built.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const LIB = 'usr/local/lib/d3';

describe('d3 itself', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const program = (version: string, how = `echo d3/${version}`) => `#!/bin/sh\n${how}\n`;

  /** Adds a version of d3 as an edition like others. @param fill puts what it needs into its folder */
  async function add(version: string, fill: (folder: string) => void | Promise<void>, revision = 1): Promise<void> {
    const root = sandbox.folder(`d3-${version}-${revision}`, { [`${LIB}/versions/${version}/bin/`]: '' });
    await fill(path.join(root, LIB, 'versions', version));
    const output = path.join(sandbox.dir, `d3-${version}-${revision}.pkg`);
    await build({ root, output, identifier: 'org.d3.d3', version });
    await sandbox.admin(async (session) => {
      const typed = { version, revision: String(revision), autoGroups: 'standard' };
      const { edition } = await addEdition({ basename: 'd3', typed, source: output, inherit: false }, session);
      await makeLive(await proposeLive(edition.edition, session), session);
    });
  }
  const addScript = (version: string, how?: string, revision?: number) =>
    add(
      version,
      (folder) => {
        writeFileSync(path.join(folder, 'bin/d3'), program(version, how), { mode: 0o755 });
        chmodSync(path.join(folder, 'bin/d3'), 0o755);
      },
      revision,
    );
  const current = (of = machine) => readlinkSync(path.join(of.root, LIB, 'current'));
  const versions = (of = machine) => readdirSync(path.join(of.root, LIB, 'versions')).toSorted();
  const started = (of = machine) =>
    execFileSync(path.join(of.root, 'usr/local/bin/d3'), ['--version'], { encoding: 'utf8' }).trim();

  it('is installed beside the old one, last of all, and gone over to by one rename; two are kept', async () => {
    await sandbox.add('zebra', '1', { live: true, autoGroups: 'standard' });
    await addScript('1');
    const first = await machine.sync();
    expect(first.outcomes.map(({ edition }) => edition)).to.deep.equal(['zebra-1-1', 'd3-1-1']);
    expect([current(), started()]).to.deep.equal(['versions/1', 'd3/1']);
    expect(readlinkSync(path.join(machine.root, 'usr/local/bin/d3'))).to.equal('../lib/d3/current/bin/d3');
    for (const version of ['2', '3']) {
      await addScript(version);
      expect((await machine.sync()).exit).to.equal(0);
      expect([current(), started()]).to.deep.equal([`versions/${version}`, `d3/${version}`]);
    }
    expect(versions()).to.deep.equal(['2', '3']);
    expect(
      machine.reading((state) => state.manifest('d3')).some(({ path: at }) => at.includes('/versions/1/')),
    ).to.equal(false);
    expect((await machine.sync()).outcomes.filter(({ status }) => status !== 'nothing')).to.deep.equal([]);
  });

  for (const [what, how] of [
    ['ends badly', 'echo broken; exit 3'],
    ['is killed', 'kill -9 $$'],
  ] as const) {
    it(`that ${what} when it is started is taken off again, said, and the old one stays in force`, async () => {
      await addScript('1');
      await machine.sync();
      const before = machine.tree();
      await sandbox.add('zebra', '1', { live: true, autoGroups: 'standard' });
      await addScript('2', how);
      const result = await machine.sync();
      expect(result.exit, 'the rest went well').to.equal(40);
      expect(result.outcomes.at(-1)).to.deep.include({ edition: 'd3-2-1', status: 'failed' });
      expect(result.outcomes.at(-1)?.problem?.exit).to.equal('installerFailed');
      expect(result.outcomes.at(-1)?.text).to.include('does not start');
      expect([current(), started(), machine.receipt('d3')?.edition]).to.deep.equal(['versions/1', 'd3/1', 'd3-1-1']);
      expect(machine.receipt('zebra')?.edition).to.equal('zebra-1-1');
      expect(machine.tree().filter((line) => !line.includes('zebra') && line !== 'opt')).to.deep.equal(before);
      await addScript('3');
      await machine.sync();
      expect(started()).to.equal('d3/3');
    });
  }

  it('of another revision of the version that runs is refused: it would overwrite it', async () => {
    await addScript('1');
    await addScript('2');
    await machine.sync();
    const before = machine.tree();
    await addScript('2', 'exit 3', 2);
    const result = await machine.sync();
    expect(result.exit).to.equal(30);
    expect(result.outcomes.at(-1)).to.deep.include({ edition: 'd3-2-2', status: 'blocked' });
    expect(result.outcomes.at(-1)?.text).to.include('would overwrite it');
    expect((await machine.install(['d3'], { force: true })).exit).to.equal(30);
    expect([started(), machine.receipt('d3')?.edition]).to.deep.equal(['d3/2', 'd3-2-1']);
    expect(machine.tree()).to.deep.equal(before);
  });

  it('that does not start any more is not taken off where it is the one in force', async () => {
    await addScript('1');
    await machine.sync();
    await machine.request({ kind: 'forget', targets: ['d3'] });
    await addScript('1', 'exit 3', 2);
    const result = await machine.sync();
    expect(result.outcomes.at(-1)?.problem?.actions).to.deep.equal(['install another version of d3']);
    expect([current(), versions()]).to.deep.equal(['versions/1', ['1']]);
    await addScript('2');
    expect((await machine.sync()).exit).to.equal(0);
    expect(started()).to.equal('d3/2');
  });

  it('leaves alone what somebody else has put where people look for it', async () => {
    const own = path.join(sandbox.folder('mac-a', { 'usr/local/bin/d3': 'mine' }), 'usr/local/bin/d3');
    await addScript('1');
    expect((await machine.sync()).exit).to.equal(0);
    expect(readFileSync(own, 'utf8')).to.equal('mine');
    expect(current()).to.equal('versions/1');
  });

  it('killed at any point, leaves the old one or the new one working, and the next run is the new one', async function () {
    this.timeout(300_000);
    await addScript('1');
    await machine.sync();
    await addScript('2');
    await machine.sync();
    await addScript('3');
    const { cuts } = await cutEverywhere(sandbox, machine.root, { kind: 'sync', force: false, puppies: false });
    expect(cuts.length).to.be.greaterThan(40);
    for (const cut of cuts) {
      expect(started(cut), cut.root).to.be.oneOf(['d3/2', 'd3/3']);
      expect((await cut.sync()).exit, cut.root).to.equal(0);
      expect([started(cut), versions(cut)], cut.root).to.deep.equal(['d3/3', ['2', '3']]);
      expect(existsSync(path.join(cut.root, LIB, 'current.new'))).to.equal(false);
    }
  });

  it('really is d3: two builds of it, the second taking over from the first', async function () {
    this.timeout(300_000);
    const built = new BuiltD3();
    try {
      await built.build();
      for (const version of ['7.0.0', '7.1.0']) {
        await add(version, async (folder) => {
          const modules = realpathSync(path.join(built.root, 'node_modules'));
          cpSync(built.root, folder, { recursive: true, filter: (from) => path.basename(from) !== 'node_modules' });
          symlinkSync(modules, path.join(folder, 'node_modules'));
          for (const file of ['package.json', 'oclif.manifest.json']) {
            const document = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
            writeFileSync(path.join(folder, file), JSON.stringify({ ...document, version }));
          }
          await writeOwnIndex(folder);
        });
        const result = await machine.sync();
        expect(result.exit, JSON.stringify(result.outcomes)).to.equal(0);
        expect(started()).to.include(version);
      }
      const env = {
        PATH: process.env['PATH'] ?? '',
        // What it compiles is nothing of this machine's own.
        XDG_CACHE_HOME: sandbox.dir,
        D3_ROOT: machine.root,
        D3_DEPOT: sandbox.depot,
      };
      const listed = execFileSync(path.join(machine.root, 'usr/local/bin/d3'), ['list-installed', '--json'], {
        env,
        encoding: 'utf8',
      });
      expect(JSON.parse(listed).result.receipts.map(({ edition }: { edition: string }) => edition)).to.deep.equal([
        'd3-7.1.0-1',
      ]);
      expect(versions()).to.deep.equal(['7.0.0', '7.1.0']);
    } finally {
      built.remove();
    }
  });
});
