import { chmod, cp, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { editComputer } from '../../src/admin/computers.ts';
import { addGroup, addSmartGroup } from '../../src/admin/groups.ts';
import { addNamed } from '../../src/admin/named.ts';
import { localDepot, withDepot } from '../../src/admin/session.ts';
import { collectReports, forgetCopy, publishDepot } from '../../src/admin/site.ts';
import { lastReport } from '../../src/client/last-report.ts';
import { createDepotClient, FolderTransport, HttpTransport, initDepot } from '../../src/depot/index.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { FileServer } from '../support/web.ts';
import { newReport, TestClock } from './helpers.ts';

const REQUEST = { to: null, renew: false, inbox: false, graceDays: undefined, check: false };

describe('a static copy of a depot', () => {
  let sandbox: Sandbox;
  let clock: TestClock;
  let site: string;
  const servers: FileServer[] = [];
  beforeEach(async () => {
    clock = new TestClock();
    sandbox = await Sandbox.make(clock);
    site = path.join(sandbox.dir, 'site');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    sandbox.remove();
  });

  const publish = (changes: Partial<Parameters<typeof publishDepot>[0]> = { to: site }) =>
    sandbox.admin((session) => publishDepot({ ...REQUEST, ...changes }, session));
  const collect = (folders: string[] = [], texts: { file: string; text: string }[] = []) =>
    sandbox.admin((session) => collectReports(folders, texts, session));
  const files = async () =>
    (await readdir(site, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(site, path.join(entry.parentPath, entry.name)))
      .toSorted();

  /** A machine that knows no depot but the copy. */
  function onCopy(
    name: string,
    transport = new FolderTransport(site) as FolderTransport | HttpTransport,
  ): SandboxMachine {
    const machine = sandbox.machine(name, { serial: `SER-${name}` });
    const { trust } = machine.machine.paths;
    return machine.with({ depot: createDepotClient({ transport, trustDir: trust, clock }) });
  }

  async function overHttp(name: string): Promise<SandboxMachine> {
    const server = await FileServer.of(site);
    servers.push(server);
    const { signal } = new AbortController();
    return onCopy(name, new HttpTransport(new URL(server.url), { credentials: null, ca: null, signal }));
  }

  it('is all a machine needs, and has nothing else in it', async () => {
    const { copies } = await publish();
    expect(copies[0]?.expires).to.equal('2030-01-31T00:00:00Z');
    const machine = await overHttp('mac-a');
    const { exit } = await machine.sync();
    expect([exit, machine.read('opt/tool/version')]).to.deep.equal([0, '1']);
    const found = await files();
    expect(found.filter((file) => !/^(?:blobs|public)\/|^\.d3-site\.json$/.test(file))).to.deep.equal([]);
    for (const file of found) expect((await stat(path.join(site, file))).mode & 0o777, file).to.equal(0o644);
    const everything = await Promise.all(found.map((file) => readFile(path.join(site, file), 'latin1')));
    expect(everything.join()).to.not.match(/PRIVATE KEY|sally-secret/);
  });

  it('is written as far as it changed, and old files go after a grace', async () => {
    const first = await publish();
    const before = new Map(
      await Promise.all((await files()).map(async (file) => [file, (await stat(path.join(site, file))).ino] as const)),
    );
    const again = await publish();
    expect([again.copies[0]?.written, again.copies[0]?.removed]).to.deep.equal([{ files: 0, bytes: 0 }, 0]);
    expect(again.copies[0]?.kept).to.equal(first.copies[0]?.written.files);
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    await sandbox.admin(async ({ depot }) => {
      const old = await depot.store.editions.byEdition('tool-1-1');
      await depot.store.editions.delete(old?.id ?? 0, 'sally', { archive: false });
      await depot.publish();
    });
    const changed = await publish();
    expect(changed.copies[0]?.removed).to.equal(0);
    for (const [file, ino] of before) {
      const isSame = (await stat(path.join(site, file))).ino === ino;
      expect(isSame, file).to.equal(!/timestamp|\.d3-site/.test(file));
    }
    const both = await files();
    clock.moveDays(6);
    expect((await publish()).copies[0]?.removed).to.equal(0);
    clock.moveDays(2);
    expect((await publish()).copies[0]?.removed).to.be.greaterThan(3);
    const left = await files();
    expect(both.filter((file) => file.startsWith('blobs/')).length).to.be.greaterThan(
      left.filter((file) => file.startsWith('blobs/')).length,
    );
    const machine = await overHttp('mac-a');
    await machine.sync();
    expect(machine.read('opt/tool/version')).to.equal('2');
  });

  it('is mended where something was lost, and where it was altered when that is looked for', async () => {
    await publish();
    const [blob, other] = (await files())
      .filter((file) => file.startsWith('blobs/'))
      .map((file) => path.join(site, file));
    const bytes = await readFile(blob as string);
    await rm(blob as string);
    expect((await publish()).copies[0]?.written.files).to.equal(1);
    await truncate(blob as string, bytes.length - 1);
    expect((await publish()).copies[0]?.written.files).to.equal(1);
    await writeFile(blob as string, Buffer.alloc(bytes.length, 'x'));
    expect((await publish()).copies[0]?.written.files).to.equal(0);
    expect((await publish({ to: site, check: true })).copies[0]?.written.files).to.equal(1);
    expect((await readFile(blob as string)).equals(bytes)).to.equal(true);
    expect(other).to.not.equal(undefined);
    await writeFile(path.join(site, 'public/metadata/timestamp.json'), '{}');
    expect((await publish()).copies[0]?.written.files).to.equal(1);
  });

  it('is made of nothing damaged, nor over something else, nor in the depot or around it', async () => {
    await publish();
    const shown = await readFile(path.join(site, 'public/metadata/timestamp.json'));
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    const edition = await sandbox.admin(({ depot }) => depot.store.editions.byEdition('tool-2-1'));
    const blob = await sandbox.admin(async (session) => localDepot(session).blobs.path(edition?.file.sha256 ?? ''));
    const bytes = await readFile(blob);
    await writeFile(blob, Buffer.alloc(bytes.length, 'x'));
    const damaged = await problemsOf(publish());
    expect([damaged.exitCode, damaged.problems[0]?.code]).to.deep.equal([1, 'BLOB_DAMAGED']);
    expect((await readFile(path.join(site, 'public/metadata/timestamp.json'))).equals(shown)).to.equal(true);
    await writeFile(blob, bytes);
    await publish();

    const thesis = sandbox.folder('thesis', { 'thesis.txt': 'mine' });
    for (const place of [thesis, sandbox.depot, path.join(sandbox.depot, 'www'), sandbox.dir])
      expect((await problemsOf(publish({ to: place }))).exitCode, place).to.equal(30);
    expect(await readdir(thesis)).to.deep.equal(['thesis.txt']);
    const other = path.join(sandbox.dir, 'other');
    await initDepot(other, { clock });
    const copy = path.join(sandbox.dir, 'copy-of-other');
    await cp(site, copy, { recursive: true });
    const mark = JSON.parse(await readFile(path.join(copy, '.d3-site.json'), 'utf8'));
    await writeFile(path.join(copy, '.d3-site.json'), JSON.stringify({ ...mark, depot: 'f'.repeat(64) }));
    expect((await problemsOf(publish({ to: copy }))).problems[0]?.code).to.equal('COPY_OF_ANOTHER');
  });

  it('that cannot be written shows what it showed before (21)', async function () {
    if (process.getuid?.() === 0) this.skip();
    await publish();
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    await chmod(path.join(site, 'public/metadata'), 0o555);
    const { exitCode } = await problemsOf(publish());
    await chmod(path.join(site, 'public/metadata'), 0o755);
    expect(exitCode).to.equal(21);
  });

  it('is renewed with all others by --renew, warned of before it ends, and forgotten when it is no more', async () => {
    await publish();
    clock.moveDays(25);
    const warned: string[] = [];
    const look = () =>
      withDepot(
        {
          dir: sandbox.depot,
          admin: '',
          clock,
          plugins: noPlugins,
          report: (event) => 'text' in event && warned.push(event.text),
          signal: new AbortController().signal,
        },
        async () => undefined,
      );
    await look();
    expect(warned).to.deep.equal([
      `the copy ${site} expires in 5 days, at 2030-01-31T00:00:00Z: d3 depot publish --renew`,
    ]);
    const machine = onCopy('mac-a');
    expect((await machine.sync()).warnings.join()).to.include('expires in 5 days');
    const renewed = await publish({ renew: true });
    expect(renewed.copies.map(({ to, expires }) => [to, expires])).to.deep.equal([[site, '2030-02-25T00:00:00Z']]);
    warned.length = 0;
    await look();
    expect([warned, (await machine.sync()).warnings]).to.deep.equal([[], []]);
    await sandbox.admin((session) => forgetCopy(site, session));
    expect((await publish({ renew: true })).copies).to.deep.equal([]);
    expect((await problemsOf(sandbox.admin((session) => forgetCopy(site, session)))).exitCode).to.equal(34);
  });

  it('is forgotten together with another at the same moment, and neither comes back', async () => {
    const sites = [1, 2].map((n) => `${site}-${n}`);
    for (const to of sites) await publish({ to });
    await sandbox.admin(async (session) => {
      await Promise.all(sites.map((to) => forgetCopy(to, session)));
    });
    expect((await publish({ renew: true })).copies).to.deep.equal([]);
  });

  it('tells a machine its groups, static and smart, and no id, name or value of any computer stands in it', async () => {
    await publish({ to: site, inbox: true });
    const [a, b] = [onCopy('mac-a'), onCopy('mac-b')];
    for (const machine of [a, b]) expect((await machine.sync()).exit).to.equal(0);
    // The reports come back by the drop folder, and with them the computers.
    expect((await collect()).taken).to.equal(2);
    await sandbox.admin(async (session) => {
      await addNamed('department', 'Sales', '', session);
      await editComputer('SER-mac-a', { department: 'sales' }, session);
      await addGroup('chosen', '', ['mac-b'], session);
      await addSmartGroup('sellers', '', 'department is Sales', session);
      await addSmartGroup('others', '', 'department is not Sales', session);
    });
    for (const group of ['chosen', 'sellers', 'others'])
      await sandbox.add(`for-${group}`, '1', { live: true, autoGroups: group });
    await publish();
    for (const machine of [a, b]) expect((await machine.sync()).exit).to.equal(0);
    const has = (machine: SandboxMachine) =>
      machine
        .receipts()
        .map(({ basename }) => basename)
        .toSorted();
    expect(has(a)).to.deep.equal(['for-sellers', 'tool']);
    expect(has(b)).to.deep.equal(['for-chosen', 'for-others', 'tool']);
    const ids = [a, b].map((machine) => machine.reading((state) => state.computerId() ?? ''));
    for (const file of await files()) {
      if (!file.startsWith('public/')) continue;
      const text = await readFile(path.join(site, file), 'utf8');
      for (const word of [...ids, 'SER-mac', '"Sales"']) expect(text, `${file}: ${word}`).to.not.include(word);
    }
  });

  describe('takes reports back', () => {
    it('by a drop folder, into which machines may write and not look', async () => {
      await publish({ to: site, inbox: true });
      expect((await stat(path.join(site, 'inbox'))).mode & 0o7777).to.equal(0o1733);
      const machine = onCopy('mac-a');
      await machine.sync();
      await mkdir(path.join(site, 'inbox', 'holiday-photos'));
      await writeFile(path.join(site, 'inbox', 'readme.txt'), 'mine');
      expect(await collect([site])).to.deep.include({ taken: 1, rejected: [] });
      expect((await readdir(path.join(site, 'inbox'))).toSorted()).to.deep.equal(['holiday-photos', 'readme.txt']);
      const computers = await sandbox.admin(({ depot }) => depot.store.computers.list());
      expect(computers.map(({ name }) => name)).to.deep.equal(['mac-a']);
      expect((await problemsOf(collect([path.join(sandbox.dir, 'nowhere')]))).exitCode).to.equal(34);
    });

    it('by what "d3 ea report" printed, however an inventory wraps it, each once', async () => {
      await publish();
      const machine = await overHttp('mac-a');
      expect((await machine.sync()).exit).to.equal(0);
      const { paths } = machine.machine;
      const report = await lastReport(paths, async () => null, '0.0.0');
      expect([report.command, report.exit, report.receipts.length]).to.deep.equal(['sync', 0, 1]);
      const json = JSON.stringify(report).replaceAll('<', '\\u003c');
      const xml = `<computers><computer><name>x</name><value>&lt;</value></computer><result>${json.replaceAll('"', '&quot;')}</result></computers>`;
      const csv = `Name,Value\n"mac-a","<result>${json.replaceAll('"', '""')}</result>"\n`;
      const lines = `${json}\n\n${JSON.stringify(newReport())}\n{"schema": "d3/report@1"}\nno json\n`;
      expect(await collect([], [{ file: 'xml', text: xml }])).to.deep.include({ taken: 1, known: 0, rejected: [] });
      expect(await collect([], [{ file: 'csv', text: csv }])).to.deep.include({ taken: 0, known: 1, rejected: [] });
      const mixed = await collect([], [{ file: 'lines', text: lines }]);
      expect([mixed.taken, mixed.known, mixed.rejected.map(({ file }) => file)]).to.deep.equal([
        1,
        1,
        ['lines: report 3', 'lines: report 4'],
      ]);
      const error = await collect([], [{ file: 'ea', text: '<result>ERROR: Nothing was run here yet.</result>' }]);
      expect(error.rejected[0]?.why).to.equal('it is not JSON');
    });

    it('before the first run there is none (34), and afterwards it is made again of what is on record', async () => {
      const machine = sandbox.machine('mac-a');
      const { paths } = machine.machine;
      expect((await problemsOf(lastReport(paths, async () => null, '0'))).exitCode).to.equal(34);
      await machine.sync();
      const [sent] = sandbox.reports();
      const again = await lastReport(paths, () => machine.machine.depot?.kept() ?? Promise.resolve(null), '0.0.0');
      expect(again).to.deep.equal(sent);
      expect(again.catalogExpires).to.equal('2030-01-31T00:00:00Z');
    });
  });
});
