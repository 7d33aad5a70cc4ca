import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { initDepot, openDepot } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newReport } from '../depot/helpers.ts';
import { type ServedDepot, serveForTest } from '../depot/served.ts';
import { Sandbox } from '../support/sandbox.ts';
import { linesOf } from './lines.ts';

/** Admin commands do the same, say the same and end the same, whether the depot is a folder or an address. */
describe('d3admin on a served depot', () => {
  let sandbox: Sandbox;
  let served: ServedDepot;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    served = await serveForTest({ clock: systemClock });
  });
  afterEach(async () => {
    await served.discard();
    sandbox.remove();
  });

  it('works the same as embedded, line by line', async () => {
    const embedded = path.join(sandbox.dir, 'embedded');
    await initDepot(embedded, { clock: systemClock });
    const token = await served.token('sally');
    const report = newReport({ at: systemClock.now().toISOString() }, { name: 'mac-a' });
    await served.depot.store.computers.takeReport(report);
    const beside = await openDepot(embedded, { clock: systemClock });
    await beside.store.tokens.add({ name: 'sally', role: 'admin', computer: null, expiresAt: null }, 'test');
    await beside.store.computers.takeReport(report);
    await beside.close();
    const pkg = await sandbox.package('tool', { 'usr/local/share/tool': 'a tool\n' });
    const other = await sandbox.package('other', { 'usr/local/share/other': 'another\n' });
    const script = path.join(sandbox.dir, 'pre.sh');
    writeFileSync(script, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    const lines: string[][] = [
      ['show'],
      ['category', 'add', 'Tools'],
      ['group', 'add', 'some-macs'],
      ['script', 'add', script, '--name', 'checks'],
      ['script', 'edit', 'checks', '--description', 'looks first'],
      ['add', 'tool', '-v', '1.0', '-s', pkg, '-C', 'Tools', '-g', 'some-macs', '-e', 'checks'],
      ['add', 'tool', '-v', '1.1', '-s', other, '--dry-run'],
      ['add', 'tool', '-v', '1.1', '-s', other],
      ['add', 'tool', '-v', '1.1', '-r', '1', '-s', other],
      ['add', 'broken', '-v', '1', '-s', script],
      ['info', 'tool-1.0-1'],
      ['edit', 'tool-1.1-1', '-d', 'a better tool', '-x', 'Safari'],
      ['policy', 'add', 'after-live', '--events', 'make-live', '--script', 'checks'],
      ['live', 'tool-1.0-1', '-a'],
      ['live', 'tool-1.1-1', '-a'],
      ['show', 'all', 'tool'],
      ['unlive', 'tool-1.1-1', '-a'],
      ['search', 'tool'],
      ['delete', 'tool-1.0-1', '-a', '--archive'],
      ['show', 'archived'],
      ['restore', 'tool-1.0-1'],
      ['restore', 'tool-1.0-1', '-s', pkg],
      ['delete', 'tool-9-9', '-a'],
      ['script', 'show', 'checks'],
      ['script', 'list'],
      ['script', 'delete', 'checks', '-a'],
      ['group', 'list'],
      ['group', 'delete', 'some-macs', '-a'],
      ['computer', 'list'],
      ['computer', 'show', 'nobody'],
      ['computer', 'show', 'mac-a'],
      ['computer', 'edit', 'mac-a', '--name', 'Desk 1'],
      ['group', 'add', 'listed', '--members', 'mac-a'],
      ['group', 'members', 'listed'],
      ['group', 'add', 'arms', '--criteria', 'cpu is arm64'],
      ['group', 'test', 'arms', '--computers', 'mac-a'],
      ['report', 'foo'],
      ['report', 'tool'],
      ['report', 'mac-a', '--computers'],
      ['policy', 'list'],
      ['ea', 'add', 'Lease', '--type', 'choice', '--choices', 'bought,leased'],
      ['ea', 'list'],
      ['site', 'add', 'Here'],
      ['site', 'edit', 'Here', '--name', 'There'],
      ['site', 'list'],
      ['computer', 'delete', 'mac-a', '-a'],
      ['history'],
      ['history', 'tool'],
      ['enrol', 'list'],
      ['enrol', 'approve', '3'],
      ['token', 'revoke', 'nobody'],
      ['doctor'],
    ];
    const mirror = [
      ['depot', 'mirror', 'add', 'https://mirror.example.org/d3'],
      ['depot', 'mirror', 'list'],
      ['run', 'list', '--of-depot'],
    ];
    const said = async (depot: string, env: Record<string, string>) => {
      const cwd = path.join(sandbox.dir, 'work');
      mkdirSync(cwd, { recursive: true });
      const all = [...lines.map((argv) => ['admin', ...argv]), ...mirror];
      const ended = await linesOf(
        all.map((argv) => ({
          argv,
          env: {
            D3_DEPOT: depot,
            USER: 'sally',
            D3_ROOT: sandbox.dir,
            XDG_CACHE_HOME: sandbox.dir,
            XDG_CONFIG_HOME: sandbox.dir,
            ...env,
          },
        })),
        cwd,
      );
      return ended.map(({ code, stdout, stderr }, index) => ({
        line: all[index]?.join(' '),
        code,
        stdout: plain(stdout, depot),
        stderr: plain(stderr, depot),
      }));
    };
    const here = await said(embedded, {});
    const there = await said(served.url, { D3_CREDENTIALS: `sally:${token}` });
    for (const [index, answer] of there.entries()) expect(answer).to.deep.equal(here[index]);
    expect(here.filter(({ code }) => code === 10)).to.deep.equal([]);
    expect(here.filter(({ code }) => code === 0).length).to.be.greaterThan(30);
    // The name in history is the token's, and machines see all of it.
    expect((await served.depot.store.editions.list()).map(({ addedBy }) => addedBy)).to.deep.equal(['sally', 'sally']);
    expect(await served.depot.publishIfBehind()).to.equal(null);
  });
});

/** What differs from depot to depot and from second to second. */
function plain(text: string, depot: string): string {
  return text
    .replaceAll(depot, 'DEPOT')
    .replaceAll(/\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?/g, 'TIME')
    .replaceAll(/\d+ (?:seconds?|s) ago/g, 'AGO');
}
