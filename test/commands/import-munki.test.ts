import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { MunkiImported } from '../../src/admin/import/munki.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { d3 } from '../cli/spawn.ts';
import { serveForTest } from '../depot/served.ts';
import { MunkiRepository } from '../support/munki.ts';
import { Sandbox } from '../support/sandbox.ts';
import { type LineEnded, linesOf } from './lines.ts';

describe('d3admin import munki', function () {
  this.timeout(300_000);
  let sandbox: Sandbox;
  let repository: MunkiRepository;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    repository = new MunkiRepository(path.join(sandbox.dir, 'repo'));
  });
  afterEach(() => sandbox.remove());

  const lines = (all: string[][], env: Record<string, string> = {}) =>
    linesOf(
      all.map((argv) => ({
        argv,
        env: { D3_DEPOT: sandbox.depot, USER: 'sally', XDG_CONFIG_HOME: sandbox.dir, ...env },
      })),
      sandbox.dir,
    );
  const resultOf = ({ stdout }: LineEnded) =>
    JSON.parse(stdout) as { exit: number; result: MunkiImported; errors: { target: string }[] };
  const item = async (name: string, version: string, more: Parameters<MunkiRepository['pkginfo']>[2] = {}) =>
    repository.item(
      name,
      version,
      await sandbox.package(`${name}-${version}`, { [`Applications/${name}.app/v`]: version }, { version }),
      more,
    );
  const fates = ({ items }: MunkiImported) => items.map(({ item: name, fate, status }) => `${name}: ${fate} ${status}`);

  it('munki: rehearses, imports, and has nothing left to do; tells what has no counterpart', async () => {
    await item('Tool', '1', { unattended_install: false, RestartAction: 'RequireLogout' });
    await item('Tool', '2', { catalogs: ['testing'] });
    await item('Bad', '1', { installer_item_hash: 'c'.repeat(64) });
    repository.pkginfo('Wifi', '1', { installer_type: 'profile', installer_item_location: 'w.mobileconfig' });
    repository.manifest('site_default', { managed_installs: ['Tool'], optional_installs: ['Wifi'] });
    const line = ['admin', 'import', 'munki', repository.dir];
    const [rehearsed, imported, again, machine] = await lines([
      [...line, '--dry-run'],
      line,
      [...line, '--json'],
      ['admin', 'show', 'live', '--json'],
    ]);
    if (rehearsed === undefined || imported === undefined || again === undefined) throw new Error('no lines');
    expect([rehearsed.code, imported.code, again.code, machine?.code]).to.deep.equal([0, 40, 40, 0]);
    expect(rehearsed.stdout).to.match(
      /^Nothing was changed\. 4 items of .*: 3 would be imported \(2 live\), 1 left out\.\n/,
    );
    expect(rehearsed.stdout).to.include('Packages were not read yet');
    expect(imported.stdout).to.match(/^4 items of .*: 2 imported \(1 live\), 1 left out, 1 failed\.\n/);
    expect(imported.stdout).to.include('\nImported:\n  Tool-1-1: live\n  Tool-2-1: pilot\n');
    expect(imported.stdout).to.include('  Wifi 1: only the management can install a profile\n');
    expect(imported.stdout).to.include(
      '  unattended_install: Tool 1 (false)\n    Munki would have asked; d3 installs with the next sync, and asks about restarts only\n    to do: ',
    );
    expect(imported.stderr)
      .to.include('Error: Bad 1 (pkgsinfo/apps/Bad-1.plist): ')
      .and.include('is not the file it should be');
    const { result, errors, exit } = resultOf(again);
    expect(exit).to.equal(40);
    expect(errors.map(({ target }) => target)).to.deep.equal(['Bad 1 (pkgsinfo/apps/Bad-1.plist)']);
    expect(fates(result)).to.deep.equal([
      'Bad 1: failed null',
      'Tool 1: there live',
      'Tool 2: there pilot',
      'Wifi 1: left out null',
    ]);
    for (const gap of result.gaps) expect(gap).to.have.all.keys('item', 'from', 'key', 'what', 'why', 'todo');
    expect(result.gaps.map(({ key }) => key).toSorted()).to.deep.equal([
      'RestartAction',
      'installer_type',
      'optional_installs',
      'unattended_install',
    ]);
    // A Mac that syncs has what Munki would have given it.
    const root = sandbox.machine('mac', { os: { name: 'macOS', version: '14.5' } }).root;
    const [synced] = await lines([['sync', '--root', root, '--depot', sandbox.depot]]);
    expect(synced?.stdout).to.include('Tool-1-1: installed');
  });

  it('munki: ends with what all failed of, is read as typed by d3admin, and wants a repository', async () => {
    repository.pkginfo('Bad', '1', { installer_item_location: 'lost.pkg' });
    const ended = await lines([
      ['admin', 'import', 'munki', repository.dir],
      ['admin', 'import', 'munki', sandbox.dir],
      ['admin', 'import', 'munki'],
      // The ancestor's letter goes on meaning what it did.
      ['admin', 'i', 'nothing-1-1'],
      ['admin', 'im', 'munki', repository.dir, '--released', 'none', '--pilots-only', '--dry-run'],
    ]);
    expect(ended.map(({ code }) => code)).to.deep.equal([34, 34, 2, 34, 34]);
    expect(ended[1]?.stderr).to.include('is no repository of Munki');
    expect(ended[3]?.stderr).to.include('nothing-1-1');
  });

  it('munki: brings the same into a served depot', async () => {
    await item('Tool', '1', { category: 'Tools', preinstall_script: '#!/bin/sh\nexit 0\n' });
    await item('Tool', '2', { category: 'Tools' });
    await item('Other', '1', { catalogs: ['testing'] });
    repository.pkginfo('Settings', '1', { installer_type: 'nopkg', postinstall_script: '#!/bin/sh\nexit 0\n' });
    repository.manifest('mac-1', { managed_installs: ['Tool'] });
    const served = await serveForTest({ clock: systemClock });
    try {
      const token = await served.token('sally');
      const line = ['admin', 'import', 'munki', repository.dir, '--json'];
      const over = { D3_DEPOT: served.url, D3_CREDENTIALS: `sally:${token}` };
      const [here] = await lines([line]);
      const [there, again] = await lines([line, line], over);
      if (here === undefined || there === undefined || again === undefined) throw new Error('no lines');
      expect([here.code, there.code, again.code], there.stdout).to.deep.equal([0, 0, 0]);
      expect(resultOf(there).result).to.deep.equal(resultOf(here).result);
      expect(fates(resultOf(again).result)).to.deep.equal([
        'Other 1: there pilot',
        'Settings 1: there live',
        'Tool 1: there skipped',
        'Tool 2: there live',
      ]);
    } finally {
      await served.discard();
    }
  });

  it('munki: killed at any moment it goes on the next time', async () => {
    for (let at = 0; at < 4; at += 1)
      await item(`Tool${at}`, '1', { category: 'Tools', postinstall_script: `#!/bin/sh\necho ${at}\n` });
    // Long enough that what kills it finds it at work.
    const large = { 'opt/large': randomBytes(24 * 1024 * 1024).toString('latin1') };
    repository.item('Alarge', '1', await sandbox.package('large', large), { category: 'Tools' });
    repository.manifest('site_default', { managed_installs: ['Tool0', 'Tool1'] });
    // What is killed leaves its folders of a moment where it made them.
    const TMPDIR = sandbox.folder('tmp', {});
    const env = { D3_DEPOT: sandbox.depot, USER: 'sally', XDG_CONFIG_HOME: sandbox.dir, TMPDIR };
    const line = ['admin', 'import', 'munki', repository.dir, '--json'];
    const blobs = () => readdirSync(path.join(sandbox.depot, 'blobs'), { recursive: true }).length;
    let killed = 0;
    for (let tries = 0; tries < 3; tries += 1) {
      const before = blobs();
      const running = (child: ChildProcess) => {
        const look = setInterval(() => {
          if (child.exitCode !== null || child.signalCode !== null) clearInterval(look);
          else if (blobs() > before) child.kill('SIGKILL');
        }, 2);
      };
      const { signal } = await d3(line, { env, running });
      if (signal !== 'SIGKILL') break;
      killed += 1;
    }
    const ended = await d3(line, { env });
    const { exit, result } = JSON.parse(ended.stdout) as { exit: number; result: MunkiImported };
    expect(killed).to.be.greaterThan(0);
    expect(exit).to.equal(0);
    expect(result.items.map(({ status }) => status)).to.deep.equal(Array(5).fill('live'));
    const [looked] = await lines([['admin', 'doctor', '--json']]);
    expect(looked?.code, looked?.stdout).to.equal(0);
  });
});
