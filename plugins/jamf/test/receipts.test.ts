import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';

/** Receipts of Jamf are files in a folder of the Mac, called as the packages are. */
describe('receipts of Jamf', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('tool', '2', { live: true });
    await sandbox.add('other', '1', { live: true });
    await sandbox.add('pilot', '1');
  });
  afterEach(() => sandbox.remove());

  function receipt(name: string, day = '2026-01-02'): void {
    const folder = path.join(machine.root, 'Library/Application Support/JAMF/Receipts');
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, name), '');
    utimesSync(path.join(folder, name), new Date(day), new Date(day));
  }
  const start = (...line: string[]) =>
    d3([...line, '--json'], {
      cwd: sandbox.dir,
      env: { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' },
    });
  async function taken(...line: string[]) {
    const { code, stdout } = await start(...line);
    expect(code, stdout).to.equal(0);
    return JSON.parse(stdout).result;
  }
  const here = () => machine.receipts().map(({ edition }) => edition);

  it('depot3:F06 become receipts of d3, with the time they are of', async () => {
    for (const name of ['other-1-1.pkg', 'pilot-1-1.pkg', 'Stranger.pkg', '.DS_Store']) receipt(name);
    const dry = await taken('jamf', 'import', '--receipts', '--dry-run');
    expect(dry).to.deep.include({ dryRun: true, unknown: ['Stranger.pkg'] });
    expect(here()).to.deep.equal([]);
    const { taken: done, kept } = await taken('jamf', 'import', '--receipts');
    expect(done).to.deep.equal([
      { file: 'other-1-1.pkg', edition: 'other-1-1' },
      { file: 'pilot-1-1.pkg', edition: 'pilot-1-1' },
    ]);
    expect(kept).to.deep.equal([]);
    expect(here()).to.deep.equal(['other-1-1', 'pilot-1-1']);
    const { admin, installedAt, piloting, manual } = machine.receipt('other') ?? {};
    expect({ admin, installedAt, piloting, manual }).to.deep.equal({
      admin: 'imported-from-jamf',
      installedAt: '2026-01-02T00:00:00.000Z',
      piloting: false,
      manual: true,
    });
    expect(machine.receipt('pilot')?.piloting).to.equal(true);
    expect(await taken('jamf', 'receipts'), 'again').to.deep.include({ taken: [], kept: ['other', 'pilot'] });
  });

  it('depot3:BUG-58 of several editions of one basename count for the newest, whatever their order and time', async () => {
    receipt('tool-2-1.pkg', '2025-01-01');
    receipt('tool-1-1.pkg', '2026-05-05');
    const { taken: done, older } = await taken('jamf', 'receipts');
    expect(done).to.deep.equal([{ file: 'tool-2-1.pkg', edition: 'tool-2-1' }]);
    expect(older).to.deep.equal([{ file: 'tool-1-1.pkg', edition: 'tool-1-1', newest: 'tool-2-1' }]);
    expect(here()).to.deep.equal(['tool-2-1']);
  });

  it('never take the place of a receipt of d3', async () => {
    const { code, stdout } = await start('install', 'tool');
    expect(code, stdout).to.equal(0);
    const before = machine.receipt('tool');
    receipt('tool-1-1.pkg');
    expect(await taken('jamf', 'receipts')).to.deep.include({ taken: [], kept: ['tool'] });
    expect(machine.receipt('tool')).to.deep.equal(before);
  });

  it('that are none: a link, and no folder at all', async () => {
    expect(await taken('jamf', 'receipts')).to.deep.include({ taken: [], unknown: [] });
    receipt('Stranger.pkg');
    const folder = path.join(machine.root, 'Library/Application Support/JAMF/Receipts');
    symlinkSync('/etc/hostname', path.join(folder, 'tool-2-1.pkg'));
    expect(await taken('jamf', 'receipts')).to.deep.include({ taken: [], unknown: ['Stranger.pkg'] });
  });

  it('go with nothing that takes packages in', async () => {
    const { code, stdout } = await start('jamf', 'import', '--receipts', '--id', '12');
    expect(code).to.equal(2);
    expect(stdout).to.contain('--receipts');
  });
});
