import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import type { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { localDepot } from '../../src/admin/session.ts';
import { createDepotClient, HttpTransport, type Rotation } from '../../src/depot/index.ts';
import { generateKeys, type SigningKeys } from '../../src/depot/keys.ts';
import { forge, loadKeys, TestClock } from '../depot/helpers.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { FileServer } from '../support/web.ts';

const PACE = { window: 1_000, least: 5_000, whole: 3_000, perByte: 0 };
const EVIL = 'evil';

/**
 * A machine that has installed something from a depot over HTTP, and a server in between that lies. Whatever it says: 33, the
 * catalog that was accepted stays in force, and nothing on the machine is another than it was.
 */
describe('a hostile server', () => {
  let sandbox: Sandbox;
  let clock: TestClock;
  let server: FileServer;
  let machine: SandboxMachine;
  /** What the server gives: a copy of the depot's public side, to be tampered with. */
  let served: string;

  beforeEach(async () => {
    clock = new TestClock();
    sandbox = await Sandbox.make(clock);
    served = path.join(sandbox.dir, 'served');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    copyOut();
    server = await FileServer.of(served);
    onTime(clock);
    machine = overHttp(sandbox.machine('mac-a'));
    expect((await machine.sync()).exit).to.equal(0);
    expect(machine.read('opt/tool/version')).to.equal('1');
  });
  afterEach(async () => {
    await server.close();
    sandbox.remove();
  });

  function overHttp(of: SandboxMachine): SandboxMachine {
    const { signal } = new AbortController();
    const transport = new HttpTransport(new URL(server.url), { credentials: null, ca: null, signal });
    Object.defineProperties(transport, { pauses: { value: [] }, pace: { value: PACE } });
    const { paths } = of.machine;
    return of.with({ depot: createDepotClient({ transport, trustDir: paths.trust, clock }) });
  }

  /** The server tells the time of a clock. */
  function onTime(of: TestClock, answers: FileServer['answers'] = () => false): void {
    server.answers = (request, response, file) => {
      response.setHeader('date', of.now().toUTCString());
      return answers(request, response, file);
    };
  }

  /** The server gives what the depot shows now. */
  function copyOut(from = sandbox.depot): void {
    rmSync(served, { recursive: true, force: true });
    for (const part of ['public', 'blobs']) cpSync(path.join(from, part), path.join(served, part), { recursive: true });
  }

  const metadata = (name = '') => path.join(served, 'public/metadata', name);
  const newest = (role: string) =>
    readdirSync(metadata())
      .filter((name) => name.endsWith(`.${role}.json`))
      .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
      .at(-1) as string;
  const blobOf = async (edition: string) => {
    const found = await sandbox.admin(({ depot }) => depot.store.editions.byEdition(edition));
    const sha256 = found?.file.sha256 ?? '';
    return path.join(served, 'blobs', sha256.slice(0, 2), sha256);
  };

  /** All of the root but what d3 keeps of its own runs. */
  const root = () => machine.everything().filter((line) => !/^(?:var$|var\/(?:lib|cache|log))/.test(line));

  /** A sync is refused, and all is as it was. */
  async function refuses(code: string, says: RegExp): Promise<D3Error> {
    const before = { root: root(), receipts: machine.receipts(), kept: await machine.machine.depot?.kept() };
    expect(before.root.length).to.be.greaterThan(2);
    const { problems, exitCode } = await problemsOf(machine.sync());
    const [problem] = problems;
    expect([exitCode, problem?.code], problem?.message).to.deep.equal([33, code]);
    expect(problem?.message).to.match(says);
    expect(problem?.actions).to.not.deep.equal([]);
    const kept = await machine.machine.depot?.kept();
    expect({ root: root(), receipts: machine.receipts() }).to.deep.equal({
      root: before.root,
      receipts: before.receipts,
    });
    expect([kept?.sha256, kept?.catalog]).to.deep.equal([before.kept?.sha256, before.kept?.catalog]);
    expect(machine.lies()).to.deep.equal([]);
    return problem as D3Error;
  }

  const trusted = () => JSON.parse(readFileSync(path.join(machine.machine.paths.trust, 'trusted.json'), 'utf8'));

  /** Once the server says the truth again, the machine follows. */
  async function follows(version = '2'): Promise<void> {
    onTime(clock);
    const { exit } = await machine.sync();
    expect([exit, machine.read('opt/tool/version')]).to.deep.equal([0, version]);
  }

  async function strangersKeys(): Promise<SigningKeys> {
    const dir = path.join(sandbox.dir, EVIL);
    mkdirSync(dir);
    await generateKeys(dir);
    return loadKeys(dir);
  }

  /** A catalog in which the live edition is another package. */
  async function evilCatalog(): Promise<Buffer> {
    const evil = await sandbox.package(EVIL, { 'opt/tool/version': EVIL });
    const bytes = readFileSync(evil);
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    mkdirSync(path.join(served, 'blobs', sha256.slice(0, 2)), { recursive: true });
    writeFileSync(path.join(served, 'blobs', sha256.slice(0, 2), sha256), bytes);
    const [name] = readdirSync(path.join(served, 'public/targets')).slice(-1) as [string];
    const catalog = JSON.parse(readFileSync(path.join(served, 'public/targets', name), 'utf8'));
    for (const edition of catalog.editions) {
      edition.file = { ...edition.file, sha256, size: bytes.length };
      edition.id += 100;
      edition.revision += 1;
      edition.edition = `${edition.basename}-${edition.version}-${edition.revision}`;
    }
    return Buffer.from(JSON.stringify({ ...catalog, generation: catalog.generation + 1 }));
  }

  /** Lets somebody who has some of the depot's keys publish something on the server. */
  async function forged(options: Omit<Parameters<typeof forge>[1], 'expires'>): Promise<void> {
    cpSync(path.join(sandbox.depot, 'keys'), path.join(served, 'keys'), { recursive: true });
    await forge(served, { expires: '2030-06-01T00:00:00Z', ...options });
    rmSync(path.join(served, 'keys'), { recursive: true });
  }
  const later = () => Math.floor(clock.now().getTime() / 1_000) + 5_000;

  const rotate = (changes: Partial<Rotation>) =>
    sandbox.admin(async (session) => {
      await localDepot(session).signing.rotate(
        { role: 'targets', add: [], remove: [], threshold: null, folder: null, ...changes },
        'sally',
      );
      await session.depot.publish();
    });

  const endless = (response: ServerResponse) => {
    response.writeHead(200);
    const more = setInterval(() => response.write(Buffer.alloc(65_536, ' ')), 1);
    response.on('close', () => clearInterval(more));
    return true;
  };

  it('arbitrary software: a catalog that strangers signed, and a package of theirs', async () => {
    const keys = await strangersKeys();
    await forged({ version: later(), catalog: await evilCatalog(), keys });
    await refuses('DEPOT_ALTERED', /not signed as it must be/);
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    writeFileSync(
      await blobOf('tool-2-1'),
      readFileSync(await sandbox.package('trojan', { 'opt/tool/version': EVIL })),
    );
    const before = root();
    const { exit, outcomes } = await machine.sync();
    expect([exit, outcomes[0]?.status]).to.deep.equal([33, 'failed']);
    expect(root()).to.deep.equal(before);
    copyOut();
    await follows();
  });

  for (const [what, file, isIt] of [
    ['timestamp', 'timestamp.json', /timestamp\.json$/],
    ['snapshot', null, /snapshot\.json$/],
    ['targets', null, /targets\.json$/],
    ['catalog', null, /catalog\.json$/],
    ['next root', null, /2\.root\.json$/],
  ] as const) {
    it(`endless data in place of the ${what}`, async () => {
      await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
      copyOut();
      onTime(clock, ({ url = '' }, response) => isIt.test(url) && endless(response));
      await refuses('DEPOT_MALFORMED', /larger than/);
      expect(file === null || isIt.test(file)).to.equal(true);
      await follows();
    });
  }

  it('endless data in place of a package', async () => {
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    onTime(clock, ({ url = '' }, response) => url.startsWith('/blobs/') && endless(response));
    const before = root();
    expect((await machine.sync()).exit).to.equal(33);
    expect(root()).to.deep.equal(before);
    await follows();
  });

  it('fast-forward: numbers to the sky, with stolen keys of snapshot and timestamp, until those are replaced', async () => {
    const { version } = JSON.parse(readFileSync(metadata('timestamp.json'), 'utf8')).signed;
    const targets = JSON.parse(readFileSync(metadata(newest('targets')), 'utf8'));
    await fastForward(9_000_000_000_000_000, targets);
    expect((await machine.sync()).exit).to.equal(0);
    expect(machine.read('opt/tool/version')).to.equal('1');
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    await refuses('DEPOT_ROLLED_BACK', /rolled back/);
    await rotate({ role: 'snapshot' });
    await rotate({ role: 'timestamp' });
    copyOut();
    expect(JSON.parse(readFileSync(metadata('timestamp.json'), 'utf8')).signed.version).to.be.greaterThan(version);
    await follows();
  });

  /** What a thief of the keys of snapshot and timestamp can do with what is signed otherwise. */
  async function fastForward(version: number, targets: { signed: { version: number } }): Promise<void> {
    const { Metadata, MetaFile, Signature, Snapshot, Timestamp } = await import('@tufjs/models');
    const keys = await loadKeys(sandbox.depot);
    const common = { specVersion: '1.0.31', version, expires: '2030-06-01T00:00:00Z' };
    const meta = { 'targets.json': new MetaFile({ version: targets.signed.version }) };
    const snapshot = new Metadata(new Snapshot({ ...common, meta }));
    snapshot.sign((bytes) => new Signature({ keyID: keys.snapshot.id, sig: keys.snapshot.sign(bytes) }));
    const timestamp = new Metadata(new Timestamp({ ...common, snapshotMeta: new MetaFile({ version }) }));
    timestamp.sign((bytes) => new Signature({ keyID: keys.timestamp.id, sig: keys.timestamp.sign(bytes) }));
    writeFileSync(metadata(`${version}.snapshot.json`), JSON.stringify(snapshot.toJSON()));
    writeFileSync(metadata('timestamp.json'), JSON.stringify(timestamp.toJSON()));
  }

  it('freeze: the same old publication for ever; once it has expired nothing is accepted', async () => {
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    clock.moveDays(25);
    const frozen = await machine.sync();
    expect([frozen.exit, machine.read('opt/tool/version')]).to.deep.equal([0, '1']);
    expect(frozen.warnings.join()).to.match(/expires in 5 days/);
    clock.moveDays(6);
    const before = root();
    const { problems, exitCode } = await problemsOf(machine.sync());
    expect([exitCode, problems[0]?.code]).to.deep.equal([33, 'DEPOT_EXPIRED']);
    expect(root()).to.deep.equal(before);
    expect((await machine.machine.depot?.kept({ expired: true }))?.catalog.editions).to.have.length(1);
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
    await sandbox.admin(({ depot }) => depot.publish());
    copyOut();
    await follows();
  });

  it('mix and match: files of two publications, each of them signed', async () => {
    const old = {
      snapshot: readFileSync(metadata(newest('snapshot'))),
      targets: readFileSync(metadata(newest('targets'))),
    };
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    for (const role of ['snapshot', 'targets'] as const) {
      copyOut();
      writeFileSync(metadata(newest(role)), old[role]);
      await refuses('DEPOT_MIXED', /do not belong together/);
    }
    copyOut();
    await follows();
  });

  it('rollback: a whole old publication, signed and not expired', async () => {
    const old = sandbox.copyDepot('old');
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    await follows();
    copyOut(old);
    await refuses('DEPOT_ROLLED_BACK', /went back/);
    expect(machine.read('opt/tool/version')).to.equal('2');
  });

  it('wrong software: the package of another edition under the name of the one that was asked for', async () => {
    await sandbox.add('other', '1', { live: true });
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    writeFileSync(await blobOf('tool-2-1'), readFileSync(await blobOf('other-1-1')));
    const before = root();
    const { exit, outcomes } = await machine.sync();
    expect([exit, outcomes[0]?.status]).to.deep.equal([33, 'failed']);
    expect(root()).to.deep.equal(before);
    expect(machine.lies()).to.deep.equal([]);
    copyOut();
    await follows();
  });

  it('a taken server, which has the keys of snapshot and timestamp: it ships nothing that the holders of targets have not signed', async () => {
    const own = await strangersKeys();
    await forged({ version: later(), catalog: await evilCatalog(), keys: { root: own.root, targets: own.targets } });
    await refuses('DEPOT_ALTERED', /targets was signed by 0\/1 keys/);
    copyOut();
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    await follows();
  });

  it('key compromise and rotation: what a stolen key signs after it was replaced is refused, and machines go on', async () => {
    const stolen = await loadKeys(sandbox.depot);
    await rotate({ role: 'targets' });
    copyOut();
    expect((await machine.sync()).exit).to.equal(0);
    await forgedWith(stolen);
    await refuses('DEPOT_ALTERED', /targets was signed by 0\/1 keys/);
    // The thief also withholds the root that revoked his key: a machine that knows it does not forget it.
    rmSync(metadata('2.root.json'));
    await refuses('DEPOT_ALTERED', /targets was signed by 0\/1 keys/);
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    await follows();
  });

  /** The thief's catalog, signed with the keys as they were stolen. */
  async function forgedWith(keys: SigningKeys): Promise<void> {
    const catalog = await evilCatalog();
    const held = path.join(served, 'keys');
    const own = path.join(sandbox.dir, 'thief');
    mkdirSync(own);
    await generateKeys(own);
    cpSync(path.join(own, 'keys'), held, { recursive: true });
    await forge(served, { version: later(), catalog, expires: '2030-06-01T00:00:00Z', keys });
    rmSync(held, { recursive: true });
  }

  it('a machine that was away follows the whole chain of roots', async () => {
    for (const role of ['timestamp', 'targets', 'root', 'snapshot', 'root', 'targets'] as const) await rotate({ role });
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    expect(readdirSync(metadata()).filter((name) => name.endsWith('.root.json'))).to.have.length(7);
    await follows();
    copyOut();
    const root4 = metadata('4.root.json');
    const away = overHttp(sandbox.machine('mac-b'));
    rmSync(root4);
    expect((await problemsOf(away.sync())).exitCode).to.equal(33);
  });

  it('a root that only the old key signed, or only its own, is none', async () => {
    const { makeRoot, readRoot, signWith, bytesOf } = await import('../../src/depot/roots.ts');
    const current = await readRoot(sandbox.depot, 1);
    const own = await strangersKeys();
    const old = await loadKeys(sandbox.depot);
    const content = { ...current.content, root: { threshold: 1, keys: [own.root] } };
    for (const signer of [old.root, own.root]) {
      const made = await makeRoot(content, 2, '2031-01-01T00:00:00Z');
      await signWith(made, [signer], new Map([[signer.id, { ...signer, file: '' }]]));
      writeFileSync(metadata('2.root.json'), bytesOf(made));
      onTime(clock, ({ url = '' }, response) => {
        // A new timestamp makes the machine look for more.
        if (!url.endsWith('timestamp.json')) return false;
        response.writeHead(200).end(`${readFileSync(metadata('timestamp.json'), 'utf8')} `);
        return true;
      });
      await refuses('DEPOT_ALTERED', /root was signed by 0\/1 keys/);
    }
  });

  it('a clock that is behind, or ahead: by how much is said, and nothing new is accepted', async () => {
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    clock.moveDays(-40);
    await refuses('CLOCK_WRONG', /clock is wrong by at least 40 days/);
    expect((await machine.machine.depot?.kept())?.catalog.editions).to.have.length(1);
    clock.moveDays(40);
    const right = new TestClock();
    onTime(right);
    clock.moveDays(100);
    const before = root();
    const { problems, exitCode } = await problemsOf(machine.sync());
    const [problem] = problems;
    expect([exitCode, problem?.code]).to.deep.equal([33, 'CLOCK_WRONG']);
    expect(problem?.message).to.match(
      /clock is wrong by about 100 days: it says 2030-04-11.*the depot's host 2030-01-01/,
    );
    expect(root()).to.deep.equal(before);
    clock.moveDays(-100);
    await follows();
  });

  it('a clock that was ahead when the depot was accepted, and is right now, is not taken for one that is behind', async () => {
    const right = new TestClock();
    clock.moveDays(10);
    onTime(right);
    const { acceptedAt: before } = trusted();
    // Something new is accepted under a clock that is ten days ahead.
    clock.moveDays(-10);
    await sandbox.add('other', '1', { live: true });
    copyOut();
    clock.moveDays(10);
    expect((await machine.sync()).exit).to.equal(0);
    expect(Date.parse(trusted().acceptedAt) - Date.parse(before)).to.equal(10 * 86_400_000);
    clock.moveDays(-10);
    await sandbox.add('tool', '2', { live: true, autoGroups: 'standard' });
    copyOut();
    await follows();
    expect(trusted().acceptedAt).to.equal(before);
    expect((await machine.machine.depot?.kept())?.warnings).to.deep.equal([]);
  });

  it('a machine that has trusted nothing yet takes nothing either while its clock is behind what was signed', async () => {
    const late = new TestClock('2026-03-01T00:00:00.000Z');
    const { signal } = new AbortController();
    const transport = new HttpTransport(new URL(server.url), { credentials: null, ca: null, signal });
    const trustDir = path.join(sandbox.dir, 'first');
    const first = createDepotClient({ transport, trustDir, clock: late });
    onTime(clock);
    const { problems } = await problemsOf(first.refresh());
    expect(problems[0]?.code).to.equal('CLOCK_WRONG');
    expect(problems[0]?.message).to.match(/at least 1402 days: it says 2026-03-01.*was signed at 2030-01-01T00:00:00/);
    expect(await first.time()).to.deep.equal({ signed: null, host: clock.now() });
    late.moveDays(1402);
    expect((await first.refresh()).source).to.equal('fresh');
    expect(await first.time()).to.deep.equal({ signed: clock.now(), host: clock.now() });
  });
});
