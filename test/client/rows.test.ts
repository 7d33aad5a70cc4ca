import { chmodSync, existsSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { editEdition } from '../../src/admin/edit.ts';
import { detailsText } from '../../src/cli/details-text.ts';
import { detailsOf } from '../../src/client/details.ts';
import { indexOf, listInstalled } from '../../src/client/lists.ts';
import { bringersOf, filesOf, ownersOf } from '../../src/client/package-files.ts';
import type { RunResult } from '../../src/client/run.ts';
import { StateReader } from '../../src/client/state/state.ts';
import type { TrustedCatalog } from '../../src/depot/contract.ts';
import { type GateQuestion, noPlugins, type Plugins } from '../../src/lifecycle/plugins.ts';
import type { Receipt } from '../../src/planner/receipt.ts';
import { availableTo, depotWith } from '../support/machine.ts';
import { asNobody } from '../support/nobody.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** What the ancestor's client did, row by row, where no other test holds it. */
describe('as the ancestor did', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const came = ({ outcomes }: RunResult) => outcomes.map(({ target, status }) => `${target} ${status}`);
  const trusted = async () => (await machine.machine.depot?.refresh()) as TrustedCatalog;
  const sayNothing = () => undefined;

  describe('commands', () => {
    it('depot3:C04 an install finds by id, display name and file name, and a number only as a whole', async () => {
      const { edition } = await sandbox.add('7zip', '1', { live: true, packageName: 'Seven Zip' });
      for (const target of [String(edition.id), 'Seven Zip', edition.file.name, '7zip-1-1']) {
        expect(came(await machine.install([target])), target).to.deep.equal([`${target} installed`]);
        await machine.uninstall(['7zip']);
      }
      for (const target of [`${edition.id}zip`, `${edition.id}.0`, `+${edition.id}`, ` ${edition.id}`]) {
        expect((await machine.install([target])).exit, target).to.equal(34);
      }
    });

    it('depot3:C05 several targets are independent of each other', async () => {
      for (const name of ['a', 'b']) await sandbox.add(name, '1', { live: true });
      await sandbox.add('other-os', '1', { live: true, oses: 'plan9 4' });
      const result = await machine.install(['nothing', 'a', 'other-os', 'b', 'a']);
      expect(came(result)).to.deep.equal([
        'nothing refused',
        'a installed',
        'other-os refused',
        'b installed',
        'a nothing',
      ]);
      expect(result.exit).to.equal(40);
      expect((await machine.uninstall(['a', 'nothing', 'b'])).exit).to.equal(40);
      expect(machine.receipts()).to.deep.equal([]);
    });

    it('depot3:D05 --freeze freezes what it installs and what is there already, and goes on with the next', async () => {
      for (const name of ['a', 'b']) await sandbox.add(name, '1', { live: true });
      await machine.install(['a']);
      expect(came(await machine.install(['a', 'b'], { freeze: true }))).to.deep.equal(['a refreshed', 'b installed']);
      expect(machine.receipts().map(({ frozen }) => frozen?.by)).to.deep.equal(['sally', 'sally']);
    });

    it('depot3:C12 freeze and thaw record who and when; an update by hand thaws', async () => {
      await sandbox.add('a', '1', { live: true });
      await machine.install(['a']);
      await machine.request({ kind: 'freeze', targets: ['a'], admin: 'amy' });
      expect(machine.receipt('a')).to.deep.include({ thawed: null });
      expect(machine.receipt('a')?.frozen?.by).to.equal('amy');
      expect(sandbox.reports().at(-1)?.receipts[0]?.freeze?.by).to.equal('amy');
      await machine.request({ kind: 'thaw', targets: ['a'], admin: 'bob' });
      expect(machine.receipt('a')?.frozen).to.equal(null);
      expect(machine.receipt('a')?.thawed?.by).to.equal('bob');
      expect(sandbox.reports().at(-1)?.receipts[0]).to.not.have.property('freeze');
      await machine.request({ kind: 'freeze', targets: ['a'], admin: 'amy' });
      await sandbox.add('a', '2', { live: true });
      await machine.install(['a']);
      expect(machine.receipt('a')).to.include({ edition: 'a-2-1', frozen: null });
    });

    it('depot3:C23 another user may list, and change nothing (21)', async function () {
      if (process.getuid?.() !== 0) this.skip();
      chmodSync(sandbox.dir, 0o755);
      await sandbox.add('a', '1', { live: true });
      await machine.install(['a']);
      const before = machine.everything();
      for (const request of [
        { kind: 'uninstall' as const, targets: ['a'], force: false },
        { kind: 'freeze' as const, targets: ['a'], admin: 'amy' },
        { kind: 'forget' as const, targets: ['a'] },
        { kind: 'sync' as const, force: false, puppies: false },
      ]) {
        const said = await asNobody(machine.root, sandbox.depot, request);
        expect(said.receipts).to.deep.equal(['a-1-1']);
        expect(said.error?.exit, request.kind).to.equal(21);
      }
      expect(machine.everything()).to.deep.equal(before);
    });
  });

  describe('lists', () => {
    it('depot3:C14 list-available hides what this machine may not have, and says what is there and needs a restart', async () => {
      await sandbox.add('a', '1', { live: true, autoGroups: 'standard' });
      await sandbox.add('b', '1', { live: true, reboot: 'y' });
      await sandbox.add('pilot', '1');
      await sandbox.add('other-os', '1', { live: true, oses: 'plan9 4' });
      await sandbox.add('other-cpu', '1', { live: true, cpu: 'arm64' });
      const intel = sandbox.machine('intel', { cpu: 'x86_64' });
      await intel.install(['a']);
      const rows = await availableTo(intel.machine, await trusted());
      expect(
        rows.map(({ basename, installed, reboot, autoGroups }) => [basename, installed, reboot, autoGroups]),
      ).to.deep.equal([
        ['a', true, false, ['standard']],
        ['b', false, true, []],
      ]);
    });

    it('depot3:C15 the lists of receipts need no rights and no depot', async () => {
      await sandbox.add('by-hand', '1', { live: true });
      await sandbox.add('by-itself', '1', { live: true, autoGroups: 'standard' });
      await sandbox.add('pilot', '1');
      await machine.install(['by-hand'], { freeze: true });
      await machine.pilot(['pilot-1-1']);
      await machine.sync();
      const names = async (kind: Parameters<typeof listInstalled>[1]) =>
        (await listInstalled(machine.machine.paths, kind, async () => null)).receipts.map(({ basename }) => basename);
      expect(await names('installed')).to.deep.equal(['by-hand', 'by-itself', 'pilot']);
      expect(await names('manual')).to.deep.equal(['by-hand', 'pilot']);
      expect(await names('pilots')).to.deep.equal(['pilot']);
      expect(await names('frozen')).to.deep.equal(['by-hand']);
    });

    it('depot3:C17 list-details has both: what the depot says, and the receipt with its status', async () => {
      await sandbox.add('a', '1', { live: true });
      await machine.install(['a']);
      await sandbox.add('a', '2', { live: true });
      const index = indexOf(await trusted());
      const { edition, receipt, status } = detailsOf('a', index, machine.receipts());
      expect([edition?.edition, receipt?.edition, status]).to.deep.equal(['a-2-1', 'a-1-1', 'deprecated']);
      expect(detailsOf('a', null, machine.receipts())).to.include({ edition: null, status: null });
    });

    it('depot3:C17 list-details says what waits for a restart', async () => {
      await sandbox.add('a', '1', { live: true, reboot: 'y' });
      await machine.install(['a']);
      const queue = machine.reading((state) => state.deferred());
      const details = detailsOf('a', indexOf(await trusted()), machine.receipts(), [], queue);
      expect(details.queued?.edition.edition).to.equal('a-1-1');
      expect(detailsText(details)).to.match(/^# a waits for a restart: a-1-1, queued \d{4}-\S+ by sally$/m);
    });

    it('depot3:C18 list-files has files and links, no folders, from what was installed or from the depot', async () => {
      const payload = { 'opt/a/run': 'x', 'opt/a/link': '-> run', 'opt/a/empty/': '' };
      await sandbox.add('a', '1', { live: true, payload });
      const index = indexOf(await trusted());
      const { depot, paths } = machine.machine;
      const files = async () => {
        const state = StateReader.open(paths);
        return (await filesOf('a', state, index, depot).finally(() => state.close())).files;
      };
      expect(await files()).to.deep.equal(['/opt/a/link', '/opt/a/run']);
      await machine.install(['a']);
      expect(await files()).to.deep.equal(['/opt/a/link', '/opt/a/run']);
    });

    it('depot3:C19 query-file says who put a path here, and with --all which editions of the depot would', async () => {
      await sandbox.add('a', '1', { live: true, payload: { 'opt/shared/file': 'a', 'opt/a/file': 'a' } });
      await sandbox.add('a', '2', { payload: { 'opt/shared/file': 'b' } });
      await sandbox.add('b', '1', { payload: { 'opt/shared/file': 'b', 'opt/b': 'b' } });
      await machine.install(['a']);
      const index = indexOf(await trusted());
      const here = (at: string) => machine.reading((state) => ownersOf(at, state, index).map(({ edition }) => edition));
      expect(here('/opt/shared/file')).to.deep.equal(['a-1-1']);
      expect(here('/opt/shared/fil')).to.deep.equal([]);
      const { depot } = machine.machine;
      if (index === null || depot === null) throw new Error('there is a depot');
      const brings = async (at: string, source = depot, warn: (text: string) => void = sayNothing) =>
        (await bringersOf(at, index, source, warn)).map(({ edition }) => edition);
      expect(await brings('/opt/shared/file')).to.deep.equal(['a-1-1', 'a-2-1', 'b-1-1']);
      expect(await brings('/opt/a/file/')).to.deep.equal(['a-1-1']);
      expect(await brings('/opt/nothing')).to.deep.equal([]);
      const warnings: string[] = [];
      const { contents } = index.byEdition('b-1-1') ?? {};
      const lossy = depotWith(machine.machine, { blob: (sha256) => depot.blob(sha256 === contents ? 'ff' : sha256) });
      expect(await brings('/opt/shared/file', lossy, (text) => warnings.push(text))).to.deep.equal(['a-1-1', 'a-2-1']);
      expect(warnings.join()).to.include('b-1-1 was not looked into');
    });
  });

  describe('receipts', () => {
    it('depot3:F01 depot3:F02 are d3’s own, one for each basename', async () => {
      await sandbox.add('a', '1', { live: true });
      await machine.install(['a']);
      expect(machine.tree()).to.deep.equal(['opt', 'opt/a', 'opt/a/version 1']);
      for (const place of ['Library/Receipts', 'Library/Application Support/JAMF', 'var/db/receipts', 'var/lib/dpkg'])
        expect(existsSync(path.join(machine.root, place)), place).to.equal(false);
      await sandbox.add('a', '2', { live: true });
      await machine.install(['a']);
      expect(machine.receipts().map(({ edition }) => edition)).to.deep.equal(['a-2-1']);
    });

    it('depot3:F03 hold all that is needed later without the depot', async () => {
      const { edition } = await sandbox.add('a', '1.2', {
        live: true,
        prohibitingProcesses: 'Safari,Mail',
        expiration: '30',
        expirationPaths: '/Applications/A.app',
      });
      await machine.install(['a'], { expiration: 7, freeze: true, admin: 'amy' });
      const { installedAt, frozen, ...receipt } = machine.receipt('a') as Receipt;
      expect(installedAt).to.match(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(frozen).to.deep.equal({ by: 'amy', at: installedAt });
      expect(receipt).to.deep.include({
        schema: 'd3/receipt@1',
        id: edition.id,
        basename: 'a',
        version: '1.2',
        revision: 1,
        edition: 'a-1.2-1',
        admin: 'amy',
        manual: true,
        piloting: false,
        removable: true,
        prohibitingProcesses: ['Safari', 'Mail'],
        preRemove: null,
        postRemove: null,
        expiration: 7,
        customExpiration: 7,
        expirationPaths: ['/Applications/A.app'],
        file: edition.file,
      });
      expect(receipt.applePackageIds).to.have.length(1);
    });

    it('depot3:F07 know whether a person asked, through updates too', async () => {
      await sandbox.add('by-hand', '1', { live: true });
      await sandbox.add('by-itself', '1', { live: true, autoGroups: 'standard' });
      await machine.install(['by-hand'], { admin: 'amy' });
      await machine.sync();
      const who = () => machine.receipts().map(({ admin, manual }) => `${admin} ${manual}`);
      expect(who()).to.deep.equal(['amy true', 'auto-installed false']);
      for (const name of ['by-hand', 'by-itself']) await sandbox.add(name, '2', { live: true });
      await machine.sync();
      expect(machine.receipts().map(({ version }) => version)).to.deep.equal(['2', '2']);
      expect(who()).to.deep.equal(['amy true', 'auto-installed false']);
    });
  });

  describe('sync', () => {
    it('depot3:G01 depot3:G02 refreshes receipts, and lets the pilot live whose edition went live', async () => {
      await sandbox.add('a', '1');
      await machine.pilot(['a-1-1']);
      await sandbox.live('a-1-1');
      await sandbox.admin((session) => editEdition('a-1-1', { removable: 'n' }, session));
      const before = machine.tree();
      const result = await machine.sync();
      expect(came(result)).to.deep.equal(['a refreshed', 'a nothing']);
      expect(machine.receipt('a')).to.include({ piloting: false, removable: false });
      expect(machine.tree()).to.deep.equal(before);
      expect(came(await machine.sync())).to.deep.equal(['a nothing']);
    });

    it('depot3:G03 depot3:G04 depot3:G05 follows the live edition up and down, but not with the frozen and the pilots', async () => {
      for (const name of ['plain', 'frozen', 'pilot']) {
        await sandbox.add(name, '1', { live: true });
        await machine.install([name]);
      }
      await machine.request({ kind: 'freeze', targets: ['frozen'], admin: 'amy' });
      for (const name of ['plain', 'frozen', 'pilot']) await sandbox.add(name, '2');
      await machine.pilot(['pilot-2-1']);
      for (const name of ['plain', 'frozen']) await sandbox.live(`${name}-2-1`);
      const here = () => machine.receipts().map(({ edition }) => edition);
      expect(came(await machine.sync())).to.deep.equal(['frozen held', 'pilot held', 'plain installed']);
      expect(here()).to.deep.equal(['frozen-1-1', 'pilot-2-1', 'plain-2-1']);

      await sandbox.add('pilot', '3', { live: true });
      expect(came(await machine.sync()), 'a pilot is held').to.include('pilot held');
      const updating = { ...machine.machine.settings, pilots: 'update' as const };
      await machine.with({ settings: updating }).sync();
      expect(here(), 'or updated to a newer live edition where the setting says so').to.include('pilot-3-1');

      await sandbox.live('plain-1-1');
      await sandbox.live('frozen-1-1');
      const back = await machine.sync();
      expect(back.outcomes.find(({ target }) => target === 'plain')).to.include({
        mode: 'rollback',
        replaced: 'plain-2-1',
      });
      expect(here()).to.include('plain-1-1').and.include('frozen-1-1');
    });

    it('depot3:G13 one failing package never stops the others', async () => {
      for (const name of ['a', 'b', 'c']) await sandbox.add(name, '1', { live: true, autoGroups: 'standard' });
      const { depot } = machine.machine;
      const b = (await trusted()).catalog.editions.find(({ basename }) => basename === 'b');
      const lossy = depotWith(machine.machine, {
        blob: async (sha256) => {
          if (sha256 === b?.file.sha256) throw new Error('nobody foresaw this');
          if (depot === null) throw new Error('there is a depot');
          return depot.blob(sha256);
        },
      });
      const result = await machine.with({ depot: lossy }).sync();
      expect(came(result)).to.deep.equal(['a installed', 'b failed', 'c installed']);
      expect(came(await machine.sync())).to.include('b installed');
    });

    it('depot3:G17 the report after a run is the inventory: everything that is installed then', async () => {
      for (const name of ['a', 'b']) await sandbox.add(name, '1', { live: true });
      const reported = () =>
        sandbox
          .reports()
          .at(-1)
          ?.receipts.map(({ edition }) => edition);
      await machine.install(['a', 'b']);
      expect(reported()).to.deep.equal(['a-1-1', 'b-1-1']);
      await machine.uninstall(['a']);
      expect(reported()).to.deep.equal(['b-1-1']);
      await sandbox.add('b', '2', { live: true });
      await machine.sync();
      expect(reported()).to.deep.equal(['b-2-1']);
    });
  });

  it('depot3:E01 an install goes in its order: remove first, pre-install, installer, receipt, post-install', async () => {
    const seen: string[] = [];
    const note = ({ event, edition }: Pick<GateQuestion, 'event' | 'edition'>, when: string) =>
      machine.reading((state) => {
        const phase = state.journal()[0]?.phase;
        const receipt = state.receipts()[0]?.edition ?? 'none';
        const files = machine.tree().filter((line) => line.startsWith('opt/a/'));
        seen.push(`${when} ${event} of ${edition} in ${phase}; receipt ${receipt}; ${files.join(' ') || 'no files'}`);
      });
    const plugins: Plugins = {
      ...noPlugins,
      scriptRunners: ['a test'],
      before: async (question) => {
        note(question, 'before');
        return { kind: 'proceed' };
      },
      after: async (question) => {
        note(question, 'after');
        return null;
      },
    };
    await sandbox.add('a', '1', { live: true, payload: { 'opt/a/old': '1' } });
    await machine.install(['a']);
    await sandbox.add('a', '2', { live: true, removeFirst: 'y', payload: { 'opt/a/new': '2' } });
    await machine.with({ plugins }).install(['a']);
    expect(seen).to.deep.equal([
      'before uninstall of a-1-1 in fetched; receipt a-1-1; opt/a/old 1',
      'after uninstall of a-1-1 in removed; receipt none; no files',
      'before install of a-2-1 in gated; receipt none; no files',
      'after install of a-2-1 in recorded; receipt a-2-1; opt/a/new 2',
    ]);
    seen.length = 0;
    await machine.with({ plugins }).uninstall(['a']);
    expect(seen).to.deep.equal([
      'before uninstall of a-2-1 in planned; receipt a-2-1; opt/a/new 2',
      'after uninstall of a-2-1 in recorded; receipt none; no files',
    ]);
  });
});
