import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { DeferredPayload } from '@d3/sdk';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { deleteEdition } from '../../src/admin/delete.ts';
import { editionMeant } from '../../src/admin/targets.ts';
import { listQueue } from '../../src/client/lists.ts';
import type { RunResult } from '../../src/client/run.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { depotWith } from '../support/machine.ts';
import { installRequest, Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const REBOOT = { reboot: 'y', live: true } as const;
const P = { puppies: true } as const;

describe('what needs a restart', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', REBOOT);
  });
  afterEach(() => sandbox.remove());

  const queue = (of = machine) => of.reading((state) => state.deferred());
  const queued = (of = machine) => queue(of).map(({ edition }) => edition.edition);
  const files = (of = machine) =>
    existsSync(of.machine.paths.packages) ? readdirSync(of.machine.paths.packages).toSorted() : [];
  const ended = ({ outcomes }: RunResult) =>
    outcomes.map(({ edition, target, status }) => `${edition ?? target} ${status}`);

  it('patchoo:UP-03 patchoo:D-23 depot3:I01 depot3:I11 depot3:B20 waits with its verified file; -p installs it and says that a restart is due', async () => {
    const result = await machine.install(['tool']);
    expect([result.exit, ...ended(result)]).to.deep.equal([0, 'tool-1-1 deferred']);
    expect(machine.exists('opt/tool')).to.equal(false);
    expect(machine.receipts()).to.deep.equal([]);
    expect(files()).to.deep.equal([queue()[0]?.edition.file.sha256]);
    const report = sandbox.reports().at(-1);
    expect(report?.outcomes).to.deep.include({
      target: 'tool',
      basename: 'tool',
      edition: 'tool-1-1',
      status: 'deferred',
      reason: 'tool-1-1 needs a restart afterwards',
    });
    expect(report?.queue?.map(({ edition, admin }) => [edition, admin])).to.deep.equal([['tool-1-1', 'sally']]);

    const installed = await machine.install(['tool'], P);
    expect([installed.exit, installed.restart]).to.deep.equal([0, ['tool-1-1']]);
    expect(machine.read('opt/tool/version')).to.equal('1');
    expect([queued(), files(), machine.lies()]).to.deep.equal([[], [], []]);
  });

  it('depot3:I01 is said to wait by every sync until then, and is neither fetched nor queued again', async () => {
    await machine.install(['tool']);
    const [first] = queue();
    for (const _ of [1, 2]) {
      const result = await machine.sync();
      expect([result.exit, ...ended(result)]).to.deep.equal([0, 'tool-1-1 held']);
      expect(result.outcomes[0]?.text).to.match(/is queued since \d{4}-\d\d-\d\d and waits for a restart; -p/);
    }
    expect([queue(), files()]).to.deep.equal([[first], [first?.edition.file.sha256]]);
  });

  it('depot3:BUG-05 depot3:I02 a newer edition takes the place of the one that waits', async () => {
    await machine.install(['tool']);
    await sandbox.add('tool', '2', REBOOT);
    const result = await machine.install(['tool']);
    expect(ended(result)).to.deep.equal(['tool-2-1 deferred']);
    expect(result.outcomes[0]?.replaced).to.equal('tool-1-1');
    expect(queued()).to.deep.equal(['tool-2-1']);
    await machine.sync();
    expect(files(), 'the file of the old one is gone').to.deep.equal([queue()[0]?.edition.file.sha256]);
  });

  it('dequeue all keeps what else is named: a name that waits for nothing is not found (34), the rest is done', async () => {
    await machine.install(['tool']);
    const { outcomes } = await machine.request({ kind: 'dequeue', targets: ['all', 'foo', 'tool'] });
    expect(outcomes.map(({ target, status }) => [target, status])).to.deep.equal([
      ['tool', 'dequeued'],
      ['foo', 'refused'],
    ]);
    expect(outcomes[1]?.problem?.exit).to.equal('notFound');
    expect(queued()).to.deep.equal([]);
  });

  it('depot3:BUG-06 depot3:I02 the same or an older one is refused, and queued anew with force', async () => {
    await sandbox.add('tool', '2', REBOOT);
    await machine.install(['tool']);
    const same = await machine.install(['tool'], { admin: 'betty' });
    expect([same.exit, same.outcomes[0]?.text]).to.deep.equal([30, 'tool-2-1 is queued already']);
    expect(same.outcomes[0]?.problem?.actions.join()).to.include('d3 install -p tool-2-1');
    const older = await machine.install(['tool-1-1'], { force: true });
    expect([older.exit, queued()]).to.deep.equal([0, ['tool-1-1']]);
    expect(queue()[0]).to.deep.include({ force: true });
  });

  it('depot3:BUG-07 depot3:BUG-01 depot3:D03 depot3:D04 is installed as it was asked for: by whom, with force, with its expiration', async () => {
    await sandbox.add('tool', '2', {
      ...REBOOT,
      excludedGroups: 'none',
      expiration: '5',
      expirationPaths: '/opt/tool/version',
    });
    await machine.install(['tool'], { admin: 'betty', force: true, expiration: 30 });
    expect(queue()[0]).to.deep.include({ admin: 'betty', force: true, customExpiration: 30, manual: true });
    await machine.install(['tool'], { ...P, admin: 'carl' });
    expect(machine.receipt('tool')).to.deep.include({ admin: 'betty', customExpiration: 30, expiration: 30 });
  });

  it('depot3:D04 what is said when it is installed counts more', async () => {
    await sandbox.add('tool', '2', { ...REBOOT, expiration: '5', expirationPaths: '/opt/tool/version' });
    await machine.install(['tool'], { expiration: 30 });
    await machine.install(['tool'], { ...P, expiration: 7, freeze: true });
    expect(machine.receipt('tool')).to.deep.include({ customExpiration: 7 });
    expect(machine.receipt('tool')?.frozen?.by).to.equal('sally');
  });

  it('depot3:G06 depot3:D04 an update carries admin and custom expiration over, through the queue too', async () => {
    await sandbox.add('app', '1', { live: true, expiration: '5', expirationPaths: '/opt/app/version' });
    await machine.install(['app'], { admin: 'betty', expiration: 30 });
    await sandbox.add('app', '2', { live: true, expiration: '6', expirationPaths: '/opt/app/version' });
    await machine.sync();
    expect(machine.receipt('app')).to.deep.include({ edition: 'app-2-1', admin: 'betty', customExpiration: 30 });
    await sandbox.add('app', '3', { ...REBOOT, expiration: '7', expirationPaths: '/opt/app/version' });
    await machine.sync();
    expect(queue()[0]).to.deep.include({ admin: 'betty', customExpiration: 30, mode: 'update' });
    await machine.sync(P);
    const { edition, admin, customExpiration, expiration } = machine.receipt('app') ?? {};
    expect({ edition, admin, customExpiration, expiration }).to.deep.equal({
      edition: 'app-3-1',
      admin: 'betty',
      customExpiration: 30,
      expiration: 30,
    });
  });

  it('depot3:G12 depot3:D03 sync -p installs all that waits, with its own admin, and queues nothing new', async () => {
    await machine.install(['tool'], { admin: 'betty' });
    await sandbox.add('auto', '1', { ...REBOOT, autoGroups: 'standard' });
    const result = await machine.sync(P);
    expect(ended(result)).to.deep.equal(['tool-1-1 installed', 'auto-1-1 installed']);
    expect(result.restart).to.deep.equal(['tool-1-1', 'auto-1-1']);
    expect(machine.receipt('tool')?.admin).to.equal('betty');
    expect(machine.receipt('auto')?.admin).to.equal('auto-installed');
    expect([queued(), machine.lies(), machine.leavings()]).to.deep.equal([[], [], []]);
  });

  it('depot3:G12 one that fails stays queued, and the others are installed', async () => {
    await sandbox.add('busy', '1', { ...REBOOT, prohibitingProcesses: 'Safari' });
    await machine.install(['busy', 'tool']);
    const working = sandbox.machine('mac-a', { processes: ['Safari'] });
    const result = await working.sync(P);
    expect(ended(result)).to.deep.equal(['busy-1-1 held', 'tool-1-1 installed']);
    expect([queued(), files().length]).to.deep.equal([['busy-1-1'], 1]);
  });

  it('depot3:G11 depot3:BUG-08 what the depot no longer has leaves the queue, said, and the sync goes on', async () => {
    await sandbox.add('gone', '1', REBOOT);
    await sandbox.add('lost', '1', REBOOT);
    await machine.install(['gone', 'lost', 'tool']);
    const lost = queue().find(({ edition }) => edition.basename === 'lost')?.edition.file.sha256 as string;
    await sandbox.admin(async (session) => deleteEdition(await editionMeant('gone-1-1', session), {}, session));
    const blobs = path.join(sandbox.depot, 'blobs');
    const blob = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith(lost));
    rmSync(path.join(blobs, blob as string));
    await sandbox.add('other', '1', { live: true, autoGroups: 'standard' });
    const result = await machine.sync(P);
    expect(ended(result)).to.deep.equal([
      'gone-1-1 dequeued',
      'lost-1-1 dequeued',
      'tool-1-1 installed',
      'other-1-1 installed',
    ]);
    expect(result.exit).to.equal(0);
    expect(result.outcomes[0]?.text).to.equal('gone-1-1 is no longer in the depot');
    expect([queued(), files()]).to.deep.equal([[], []]);
  });

  it('a newer live edition takes its place at the next sync; one that needs no restart is installed', async () => {
    await machine.install(['tool'], { admin: 'betty' });
    await sandbox.add('tool', '2', REBOOT);
    expect(ended(await machine.sync())).to.deep.equal(['tool-2-1 deferred']);
    expect(queue()[0]).to.deep.include({ admin: 'betty', manual: true });
    await sandbox.add('tool', '3', { live: true, reboot: 'n' });
    expect(ended(await machine.sync())).to.deep.equal(['tool-3-1 installed']);
    expect(machine.receipt('tool')).to.deep.include({ edition: 'tool-3-1', admin: 'betty' });
    expect(queued()).to.deep.equal([]);
  });

  it('a rollback takes what waits off the queue', async () => {
    await machine.install(['tool'], P);
    await sandbox.add('tool', '2', REBOOT);
    await machine.sync();
    expect(queued()).to.deep.equal(['tool-2-1']);
    await sandbox.live('tool-1-1');
    expect(ended(await machine.sync())).to.deep.equal(['tool-2-1 dequeued', 'tool-1-1 nothing']);
    expect(machine.receipt('tool')?.edition).to.equal('tool-1-1');
  });

  it('a pilot waits as a pilot, and stays one beside another live edition', async () => {
    await machine.install(['tool'], P);
    await sandbox.add('tool', '2', { reboot: 'y' });
    expect(ended(await machine.pilot(['tool-2-1']))).to.deep.equal(['tool-2-1 deferred']);
    expect(ended(await machine.sync())).to.deep.equal(['tool-2-1 held']);
    await machine.sync(P);
    expect(machine.receipt('tool')).to.deep.include({ edition: 'tool-2-1', piloting: true, displacedLive: true });
  });

  it('depilot queues the live edition in the place of the pilot, which stays until then', async () => {
    await machine.install(['tool'], P);
    await sandbox.add('tool', '2', { reboot: 'n', payload: { 'opt/tool/pilot': '2' } });
    await machine.pilot(['tool-2-1']);
    expect(ended(await machine.depilot(['tool']))).to.deep.equal(['tool-1-1 deferred']);
    expect(machine.receipt('tool')?.piloting).to.equal(true);
    expect(ended(await machine.sync(P))).to.deep.equal(['tool-1-1 installed']);
    expect(machine.receipt('tool')).to.deep.include({ edition: 'tool-1-1', piloting: false });
    expect(machine.exists('opt/tool/pilot')).to.equal(false);
    expect(machine.lies()).to.deep.equal([]);
  });

  it('depot3:C10 is taken off by basename or edition, with its file; an unknown one is told, and the rest goes on', async () => {
    await sandbox.add('other', '1', REBOOT);
    await machine.install(['tool', 'other']);
    const result = await machine.request({ kind: 'dequeue', targets: ['nothing', 'tool', 'other-1-1'] });
    expect([result.exit, ...ended(result)]).to.deep.equal([
      40,
      'nothing refused',
      'tool-1-1 dequeued',
      'other-1-1 dequeued',
    ]);
    expect(result.outcomes[0]?.problem).to.deep.include({ exit: 'notFound' });
    expect([queued(), files()]).to.deep.equal([[], []]);
  });

  it('depot3:C10 all at once, and none when there is none; no depot is needed', async () => {
    await machine.install(['tool']);
    const alone = machine.with({ depot: null });
    expect(ended(await alone.request({ kind: 'dequeue', targets: ['all'] }))).to.deep.equal(['tool-1-1 dequeued']);
    const empty = await alone.request({ kind: 'dequeue', targets: ['all'] });
    expect([empty.exit, empty.outcomes]).to.deep.equal([0, []]);
  });

  it('depot3:C16 is listed without the depot: edition, status, when and by whom', async () => {
    await machine.install(['tool'], { admin: 'betty' });
    const [row] = await listQueue(machine.machine.paths, async () => null);
    expect(row).to.deep.include({ edition: 'tool-1-1', status: null, admin: 'betty' });
    const [known] = await listQueue(machine.machine.paths, async () => (await machine.machine.depot?.kept()) ?? null);
    expect(known?.status).to.equal('live');
    expect(await listQueue(sandbox.machine('mac-b').machine.paths, async () => null)).to.deep.equal([]);
  });

  it('depot3:I11 needs no depot any more once it waits: its file and its scripts are here', async () => {
    await machine.install(['tool']);
    const offline = depotWith(machine.machine, {
      refresh: async () => Promise.reject(unreachable()),
      blob: async () => Promise.reject(unreachable()),
      kept: async () => null,
    });
    const result = await machine.with({ depot: offline }).install(['tool'], P);
    expect([result.exit, ...ended(result)]).to.deep.equal([0, 'tool-1-1 installed']);
    expect(result.warnings.join()).to.include('fetched and verified before');
    await sandbox.add('tool', '2', { live: true });
    const { exit } = await machine
      .with({ depot: offline })
      .install(['tool'], P)
      .catch((error: D3Error) => ({ exit: error.exitCode }));
    expect(exit, 'nothing waits any more').to.equal(20);
  });

  it('depot3:D06 whoever tells users is told of it, once for a run, and not with -N', async () => {
    const told: DeferredPayload[] = [];
    const plugins = { ...noPlugins, deferred: async (payload: DeferredPayload) => void told.push(payload) };
    const telling = machine.with({ plugins });
    await sandbox.add('other', '1', REBOOT);
    await telling.install(['tool', 'other']);
    expect(told).to.deep.equal([{ editions: ['tool-1-1', 'other-1-1'], queue: ['other-1-1', 'tool-1-1'] }]);
    await telling.request({ kind: 'dequeue', targets: ['all'] });
    await telling.request(installRequest(['tool']), { notify: false });
    await telling.sync();
    expect([told.length, queued()]).to.deep.equal([1, ['tool-1-1']]);
  });

  it('depot3:B20 is fetched whole before it is queued: a file that does not come queues nothing', async () => {
    const depot = depotWith(machine.machine, { blob: async () => Promise.reject(unreachable()) });
    const result = await machine.with({ depot }).install(['tool']);
    expect([result.exit, queued()]).to.deep.equal([20, []]);
    expect(files().filter((name) => !name.endsWith('.part'))).to.deep.equal([]);
  });
});

function unreachable(): D3Error {
  return new D3Error('DEPOT_UNREACHABLE', 'depotUnreachable', 'The depot cannot be reached.');
}
