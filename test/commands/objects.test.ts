import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { Sandbox } from '../support/sandbox.ts';
import { linesOf } from './lines.ts';

/** The commands for objects, as they are typed. */
describe('d3admin computer, group, script, category, department, building, site and ea', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    await sandbox.machine('mac-a', { os: { name: 'macOS', version: '15.1' } }).sync();
  });
  afterEach(() => sandbox.remove());

  const said = (lines: string[][]) => {
    const env = { D3_DEPOT: sandbox.depot, USER: 'sally', D3_ROOT: sandbox.dir };
    return linesOf(
      lines.map((argv) => ({ argv: ['admin', ...argv], env })),
      sandbox.dir,
    );
  };

  it('make, show, change, list and delete each kind', async () => {
    for (const kind of ['category', 'department', 'building', 'site', 'ea']) {
      const ended = await said([
        [kind, 'add', 'First'],
        [kind, 'edit', 'First', '--name', 'Second'],
        [kind, 'show', 'second'],
        [kind, 'list', '--json'],
        [kind, 'delete', 'Second', '--dry-run'],
        [kind, 'delete', 'Second', '--no-input'],
        [kind, 'delete', 'Second', '-a'],
        [kind, 'show', 'Second'],
      ]);
      expect(
        ended.map(({ code }) => code),
        `${kind}: ${JSON.stringify(ended)}`,
      ).to.deep.equal([0, 0, 0, 0, 0, 2, 0, 34]);
      expect(ended[2]?.stdout).to.include('Second');
      expect(JSON.parse(ended[3]?.stdout ?? '').result.map(({ name }: { name: string }) => name)).to.deep.equal([
        'Second',
      ]);
      expect(ended[5]?.stderr, 'names the flag').to.include('-a');
    }
  });

  it('say what admins know of a computer, and make smart groups of it', async () => {
    const ended = await said([
      ['department', 'add', 'Human Resources'],
      ['ea', 'add', 'Lease', '--type', 'choice', '--choices', 'bought,leased'],
      ['computer', 'edit', 'mac-a', '--department', 'human resources', '--ea', 'Lease=leased'],
      ['computer', 'show', 'mac-a'],
      ['computer', 'list', '--where', 'department is "Human Resources"'],
      ['group', 'add', 'leased', '--criteria', 'ea.Lease is leased'],
      ['group', 'show', 'leased'],
      ['group', 'members', 'leased'],
      ['group', 'test', 'leased', '--computers', 'mac-a'],
      ['group', 'test', '--criteria', 'os is plan9'],
      ['group', 'test'],
      ['group', 'members', 'leased', '--add', 'mac-a'],
      ['group', 'add', 'both', '--criteria', 'os is x', '--members', 'mac-a'],
      ['group', 'list'],
      ['group', 'delete', 'leased', '-a'],
      ['computer', 'delete', 'mac-a', '-a'],
    ]);
    expect(
      ended.map(({ code }) => code),
      JSON.stringify(ended),
    ).to.deep.equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 30, 2, 0, 0, 0]);
    const out = (index: number) => ended[index]?.stdout;
    expect(out(3))
      .to.match(/Department: +Human Resources/)
      .and.to.match(/Lease: +leased/);
    expect(out(4)).to.include('mac-a');
    expect(out(6))
      .to.match(/Criteria: +ea\.Lease is leased/)
      .and.to.include('mac-a');
    expect(out(7)).to.include('by their last reports').and.to.include('mac-a');
    expect(out(8))
      .to.include('mac-a: in')
      .and.to.match(/ea\.Lease is leased +yes +leased/);
    expect(out(9)).to.include('Nobody would be in.');
    expect(out(13))
      .to.match(/- +standard +standard/)
      .and.to.match(/leased +smart +1/);
  });

  it('depot3:B15 ask before a live edition gets a changed script, and not for a pilot', async () => {
    const file = path.join(sandbox.dir, 'check');
    writeFileSync(file, '#!/bin/sh\nexit 0\n');
    await said([['script', 'add', file]]);
    await sandbox.add('tool', '1', { preInstall: 'check', live: true });
    await sandbox.add('tool', '2', { preInstall: 'check' });
    writeFileSync(file, '#!/bin/sh\nexit 0 # other\n');
    const [pilot, live, agreed, show, used] = await said([
      ['script', 'edit', 'check', '--file', file, '--apply-to', 'tool-2-1', '--no-input'],
      ['script', 'edit', 'check', '--apply-to', 'tool-1-1', '--no-input'],
      ['script', 'edit', 'check', '--apply-to', 'tool-1-1', '-a'],
      ['script', 'show', 'check'],
      ['script', 'delete', 'check', '-a'],
    ]);
    expect([pilot, live, agreed, show, used].map((ended) => ended?.code)).to.deep.equal([0, 2, 0, 0, 30]);
    expect(pilot?.stdout).to.include('tool-1-1 (live, pre-install): keeps it as it was');
    expect(live?.stderr).to.include('-a');
    expect(show?.stdout).to.include('# other').and.to.include('tool-1-1 (live, pre-install), tool-2-1');
  });
});
