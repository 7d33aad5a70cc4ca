import { expect } from 'chai';
import { type GateQuestion, noPlugins, type Plugins } from '../../src/lifecycle/plugins.ts';
import type { Request } from '../../src/planner/types.ts';
import { cutEverywhere, machineAt } from '../kill/cuts.ts';
import { scriptFile } from '../kill/worlds.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const SYNC: Request = { kind: 'sync', force: false, puppies: false };

describe('what a gate is asked', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let asked: GateQuestion[];
  /** What the gate refuses: `install tool-2-1`. */
  let refuses: string | null;
  let plugins: Plugins;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    asked = [];
    refuses = null;
    plugins = {
      ...noPlugins,
      scriptRunners: ['a test'],
      async before(question) {
        asked.push(question);
        const refused = refuses === `${question.event} ${question.edition}`;
        return refused
          ? { kind: 'refuse', reason: 'the script said no', exit: 'refused' as const }
          : { kind: 'proceed' };
      },
    };
    machine = sandbox.machine('mac-a', {}, { plugins });
  });
  afterEach(() => sandbox.remove());

  const variables = () =>
    asked.map(({ event, edition, environment }) => {
      const { D3_RUN, ...others } = environment;
      expect(D3_RUN).to.match(/^\d{8}T\d{6}Z-[0-9a-f]{8}$/);
      return [`${event} ${edition}`, others];
    });

  it("depot3:BUG-11 names the admin in D3_ADMIN, and the rest of the ancestor's variables where they apply", async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool'], { admin: 'betty' });
    expect(variables()).to.deep.equal([
      ['install tool-1-1', { D3_ADMIN: 'betty', D3_INSTALLING: 'tool-1-1', D3_PKG_STATUS: 'live' }],
    ]);
    asked = [];
    await machine.request({ kind: 'uninstall', targets: ['tool'], force: true }, { admin: 'carl', debug: true });
    expect(variables()).to.deep.equal([
      ['uninstall tool-1-1', { D3_ADMIN: 'carl', D3_FORCE: '1', D3_DEBUG: '1', D3_UNINSTALLING: 'tool-1-1' }],
    ]);
  });

  it('depot3:BUG-11 tells an auto-install, an update and the removal before it apart', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    await machine.sync();
    expect(variables()).to.deep.equal([
      [
        'install tool-1-1',
        {
          D3_ADMIN: 'auto-installed',
          D3_SYNCING: '1',
          D3_INSTALLING: 'tool-1-1',
          D3_PKG_STATUS: 'live',
          D3_AUTO_INSTALLING: '1',
        },
      ],
    ]);
    asked = [];
    await sandbox.add('tool', '2', { live: true, removeFirst: 'y' });
    await machine.sync({ force: true });
    const updating = {
      D3_ADMIN: 'auto-installed',
      D3_FORCE: '1',
      D3_SYNCING: '1',
      D3_INSTALLING: 'tool-2-1',
      D3_PKG_STATUS: 'live',
      D3_AUTO_UPDATING: '1',
    };
    expect(variables()).to.deep.equal([
      ['uninstall tool-1-1', { ...updating, D3_UNINSTALLING: 'tool-1-1', D3_UNINSTALLING_BEFORE_INSTALL: 'tool-1-1' }],
      ['install tool-2-1', updating],
    ]);
    asked = [];
    await sandbox.add('tool', '3');
    await machine.pilot(['tool-3-1']);
    expect(variables()[0]).to.deep.equal([
      'install tool-3-1',
      { D3_ADMIN: 'sally', D3_INSTALLING: 'tool-3-1', D3_PKG_STATUS: 'pilot' },
    ]);
  });

  it('says D3_RETRY when what was cut is taken up again, with the admin and the force it was begun with', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { live: true, removeFirst: 'y' });
    const stop = new AbortController();
    const stopping = machine.with({
      plugins: {
        ...plugins,
        async before({ event }) {
          if (event === 'uninstall') return { kind: 'proceed' };
          stop.abort();
          throw stop.signal.reason;
        },
      },
    });
    const request = { targets: ['tool'], admin: 'betty', force: true, puppies: false, freeze: true, expiration: null };
    let thrown: unknown = null;
    await stopping
      .request({ kind: 'install', ...request }, { admin: 'betty', signal: stop.signal })
      .catch((error) => (thrown = error));
    expect(thrown).to.have.property('name', 'AbortError');
    asked = [];
    expect((await machine.request({ kind: 'thaw', targets: ['nothing'] }, { admin: 'carl' })).exit).to.equal(40);
    const expected = {
      D3_ADMIN: 'betty',
      D3_FORCE: '1',
      D3_RETRY: '1',
      D3_INSTALLING: 'tool-2-1',
      D3_PKG_STATUS: 'live',
    };
    expect(variables()).to.deep.equal([['install tool-2-1', expected]]);
    expect(machine.receipt('tool')).to.deep.include({ edition: 'tool-2-1', admin: 'betty' });
    expect(machine.receipt('tool')?.frozen?.by).to.equal('betty');
  });

  for (const removeFirst of ['seed', 'after-gate'] as const) {
    it(`asks before ${removeFirst === 'seed' ? 'the install but after the removal' : 'anything is removed'} (install.removeFirst: ${removeFirst})`, async () => {
      await sandbox.add('tool', '1', { live: true });
      await machine.install(['tool']);
      await sandbox.add('tool', '2', { live: true, removeFirst: 'y' });
      const ordered = machine.with({ settings: { ...machine.machine.settings, removeFirst } });
      refuses = 'install tool-2-1';
      const result = await ordered.sync();
      expect(result.outcomes[0]).to.deep.include({ status: 'blocked', text: 'the script said no' });
      expect(machine.lies()).to.deep.equal([]);
      expect(machine.receipt('tool')?.edition).to.equal(removeFirst === 'seed' ? undefined : 'tool-1-1');
      refuses = 'uninstall tool-1-1';
      if (removeFirst === 'after-gate') expect((await ordered.sync()).exit).to.equal(30);
      expect(machine.lies()).to.deep.equal([]);
      refuses = null;
      asked = [];
      expect((await ordered.install(['tool'])).exit).to.equal(0);
      const order = removeFirst === 'seed' ? ['install'] : ['install', 'uninstall'];
      expect(asked.map(({ event }) => event)).to.deep.equal(order);
    });
  }

  it('without anybody who runs scripts is answered for what names none, and refused for the rest', async () => {
    const room = {} as never;
    const question = { basename: 'tool', edition: 'tool-1-1', script: null, later: null, environment: {} };
    expect(await noPlugins.before({ event: 'install', ...question }, room)).to.deep.equal({ kind: 'proceed' });
    const script = { id: 1, name: 'before-tool', sha256: 'a'.repeat(64), size: 1 };
    for (const named of [{ script }, { later: script }]) {
      const answer = await noPlugins.before({ event: 'install', ...question, ...named }, room);
      const reason = 'no plugin answered for the script before-tool';
      expect(answer).to.deep.equal({ kind: 'refuse', reason, exit: 'refused' });
    }
  });

  it('a refused uninstall changes nothing (30)', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    refuses = 'uninstall tool-1-1';
    expect((await machine.uninstall(['tool'])).exit).to.equal(30);
    expect(machine.read('opt/tool/version')).to.equal('1');
    expect(machine.lies()).to.deep.equal([]);
  });
});

describe('the post-remove script of an edition that is removed first', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('is run at least once wherever the run is cut', async function () {
    this.timeout(120_000);
    const root = sandbox.machine('mac-a').root;
    const machine = machineAt(sandbox, root, { scripts: true });
    const postRemove = scriptFile('echo "$D3_RUNNING_POST_REMOVE retry=$D3_RETRY" >> "$1/removed.log"', sandbox);
    await sandbox.add('tool', '1', { live: true, postRemove });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { live: true, removeFirst: 'y' });
    const { cuts, fresh } = await cutEverywhere(sandbox, root, SYNC, { scripts: true });
    expect(fresh.read('removed.log')).to.equal('tool-1-1 retry=\n');
    let owed = 0;
    for (const cut of cuts) {
      const wasRun = cut.exists('removed.log');
      const isGone = cut.receipt('tool')?.edition !== 'tool-1-1';
      expect((await cut.sync()).exit, cut.root).to.equal(0);
      expect(cut.receipt('tool')?.edition, cut.root).to.equal('tool-2-1');
      expect(cut.exists('removed.log'), cut.root).to.equal(true);
      if (isGone && !wasRun) {
        owed += 1;
        expect(cut.read('removed.log')).to.equal('tool-1-1 retry=1\n');
      }
    }
    expect(owed).to.be.greaterThan(0);
  });
});
