import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type AdminPort, type Json, silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { adminPortOf } from '../../../src/admin/plugin-port.ts';
import { kindsComeFrom } from '../../../src/lifecycle/declared-kinds.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { Connection } from '../src/connector/connection.ts';
import { pull } from '../src/pull/pull.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';

const EA = {
  dataType: 'STRING',
  enabled: true,
  inputType: 'SCRIPT',
  scriptContents: '#!/bin/sh',
  inventoryDisplayType: 'EXTENSION_ATTRIBUTES',
  description: '',
};
const settings = {
  'jamf.fullPullHours': 24,
  'jamf.reportAttribute': 'd3 report',
  'jamf.receiptsAttribute': 'd3 receipts',
};
const HOUR = 3_600_000;

describe('What a pull from Jamf Pro has to stand', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let server: string;
  let now: number;
  let attributes: Readonly<Record<'report' | 'receipts', string>>;

  before(() => {
    const pjson = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8'));
    kindsComeFrom(() => [{ pjson }]);
  });
  after(() => kindsComeFrom(() => []));
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    now = Date.now();
    jamf.now = () => now;
    server = await jamf.start();
    attributes = {
      report: jamf.add('attributes', { ...EA, name: 'd3 report' }),
      receipts: jamf.add('attributes', { ...EA, name: 'd3 receipts' }),
    };
  });
  afterEach(async () => {
    await jamf.stop();
    sandbox.remove();
    expect(jamf.wrong).to.deep.equal([]);
  });

  const port = <Result>(work: (admin: AdminPort) => Promise<Result>) =>
    sandbox.admin(async (session) => work(adminPortOf(session, sandbox.dir)));
  const computers = () => port((admin) => admin.computers());
  const named = async (kind: string) =>
    (await port((admin) => admin.documents(kind).list())).map(({ id, name }) => [id, name] as const);

  async function pulled({
    admin,
    full = false,
    dryRun = false,
  }: {
    admin?: (whole: AdminPort) => AdminPort;
    full?: boolean;
    dryRun?: boolean;
  } = {}) {
    const { signal } = new AbortController();
    const clock = { now: () => now, wait: async (ms: number) => void (now += ms) };
    const credentials = async () => ({ clientId: 'd3', clientSecret: SECRET });
    const connection = new Connection({ server, credentials, clock, signal });
    try {
      return await port((whole) =>
        pull({
          connection,
          admin: admin?.(whole) ?? whole,
          settings,
          ui: silentReporter,
          signal,
          dryRun,
          full,
        }),
      );
    } finally {
      await connection.close();
    }
  }

  const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  /** As a machine makes it. */
  function report(n: number, more: Record<string, Json> = {}): Record<string, Json> {
    return {
      schema: 'd3/report@1',
      run: `run-${n}`,
      at: new Date(now).toISOString(),
      computer: {
        id: idOf(n),
        name: `mac-${n}`,
        claims: { serial: `SER-${n}`, hardwareUuid: null, macs: [] },
        user: null,
      },
      os: { name: 'macOS', version: '15.6' },
      cpu: 'arm64',
      d3: '1.0.0',
      command: 'sync',
      exit: 0,
      outcomes: [],
      receipts: [],
      queue: [],
      ...more,
    };
  }
  /** A computer of Jamf; `left`: what its extension attributes hold. */
  function inJamf(n: number, left: Partial<Record<keyof typeof attributes, string>> = {}, more: Json = {}): string {
    return jamf.addComputer({
      general: { name: `mac-${n}`, reportDate: new Date(now).toISOString() },
      hardware: { serialNumber: `SER-${n}` },
      extensionAttributes: Object.entries(left).map(([which, value]) => ({
        definitionId: attributes[which as keyof typeof attributes],
        name: which,
        values: [value],
      })),
      ...(more as object),
    });
  }
  /** A computer that d3 knows because it reported to the depot itself. */
  const reported = (n: number, more: Record<string, Json> = {}) =>
    port((admin) => admin.takeReports(JSON.stringify(report(n, more))));

  it('a machine that speaks for another in its extension attribute is put aside, however it says so', async () => {
    await reported(1);
    // Of itself by its claims, and another by its id.
    const other = report(2);
    inJamf(2, { report: JSON.stringify({ ...other, computer: { ...(other['computer'] as object), id: idOf(1) } }) });
    // A report inside a text of a report.
    const inside = JSON.stringify({ ...report(1), run: 'forged', cpu: 'x86_64' }).replaceAll('"', '&quot;');
    inJamf(3, { report: JSON.stringify(report(3, { d3: `<result>${inside}</result>` })) });
    inJamf(4, { receipts: JSON.stringify({ _schema: 'd3/ea-receipts@1', _computer: idOf(1) }) });
    const { reports } = await pulled();
    expect(reports.aside.map(({ computer }) => computer)).to.include.members(['mac-2', 'mac-4']);
    expect(reports.aside[0]?.why).to.contain(idOf(1));
    const kept = await sandbox.admin(async ({ depot }) => depot.store.computers.reports(idOf(1)));
    expect(kept.map(({ run }) => run)).to.deep.equal(['run-1']);
  });

  it('a machine that was set up anew does not become a second one by itself; the next step is said', async () => {
    await reported(1);
    inJamf(1, {
      report: JSON.stringify(report(1, { computer: { ...(report(1)['computer'] as object), id: idOf(9) } })),
    });
    const { reports } = await pulled();
    expect(reports.taken).to.equal(0);
    expect(reports.aside[0]?.why).to.contain(`d3admin computer delete ${idOf(1)}`);
    expect(await computers()).to.have.length(1);
  });

  it('values made to break whoever reads them are put aside and stop nothing', async () => {
    inJamf(1, {
      report: `{"computer":{"claims":{"serial":"SER-1"}},"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
    });
    inJamf(2, { receipts: JSON.stringify({ _schema: { toString: 1 }, _computer: idOf(2) }) });
    const odd = {
      tool: { version: { toString: null }, revision: { valueOf: 1 } },
      ['x\u001b[2J'.repeat(9)]: { version: '1' },
    };
    inJamf(3, { receipts: JSON.stringify({ _schema: 'd3/ea-receipts@1', _computer: idOf(3), ...odd }) });
    inJamf(4, { report: JSON.stringify({ ...report(4), schema: 'd3/report@7' }) });
    inJamf(5, { report: JSON.stringify(report(5)) });
    const { reports } = await pulled();
    expect(reports.taken, JSON.stringify(reports)).to.equal(2);
    expect(new Set(reports.aside.map(({ computer }) => computer))).to.deep.equal(
      new Set(['mac-1', 'mac-2', 'mac-3', 'mac-4']),
    );
    expect(JSON.stringify(reports.aside)).to.not.contain(String.raw`\u001b`);
    // Of a newer d3: that is said again until this one is updated.
    expect((await pulled({ full: true })).reports.aside.map(({ computer }) => computer)).to.include('mac-4');
  });

  it('what a machine told the depot since is not overwritten by its older inventory', async () => {
    const old = JSON.stringify(report(1, { run: 'old', at: new Date(now - HOUR).toISOString() }));
    await reported(1);
    inJamf(1, { report: old });
    expect((await pulled()).reports).to.deep.include({ taken: 0, known: 1 });
    const kept = await sandbox.admin(async ({ depot }) => depot.store.computers.reports(idOf(1)));
    expect(kept.map(({ run }) => run)).to.deep.equal(['run-1']);
  });

  it('reads the computers of the depot once, however many reports make computers known', async () => {
    for (let n = 1; n <= 120; n += 1) inJamf(n, { report: JSON.stringify(report(n)) });
    let reads = 0;
    const counting = (whole: AdminPort): AdminPort => ({
      ...whole,
      async computers() {
        reads += 1;
        return whole.computers();
      },
    });
    const { reports, computers: told } = await pulled({ admin: counting });
    expect(reports.taken).to.equal(120);
    expect(told).to.deep.include({ linked: 120, unknown: [] });
    expect(reads).to.equal(1);
  });

  it('a time that is still to come hides no inventory from the pulls after it', async () => {
    await reported(1);
    inJamf(1, {}, { general: { name: 'mac-1', reportDate: new Date(now + 1000 * HOUR).toISOString() } });
    await pulled();
    await reported(2);
    now += HOUR / 2;
    inJamf(2);
    now += HOUR / 2;
    const second = await pulled();
    expect(second.full).to.equal(false);
    expect(second.computers.linked).to.equal(2);
  });

  it('an answer that is no list is no empty one: nothing is taken for gone', async () => {
    jamf.addGroup({ name: 'lab', members: [] });
    jamf.add('sites', { name: 'Home' });
    await pulled();
    for (const call of ['GET /v1/computer-groups', 'GET /v1/sites']) {
      jamf.trouble(call, ...Array.from({ length: 10 }, () => ({ kind: 'answer', status: 200, body: '' }) as const));
      const error = await pulled().then(
        () => null,
        (one: unknown) => one,
      );
      expect(error, call).to.have.property('code').that.is.a('string');
      jamf.troubles.clear();
    }
    const { kinds } = await pulled();
    expect(kinds.flatMap(({ gone, adopted, conflicts }) => [...gone, ...adopted, ...conflicts])).to.deep.equal([]);
  });

  it('a group that goes while they are read stops nothing, and is gone for the next pull', async () => {
    const group = jamf.addGroup({ name: 'lab', members: [] });
    jamf.addGroup({ name: 'rest', members: [] });
    await pulled();
    const groupCall = 'GET /JSSResource/computergroups/id/{id}';
    jamf.trouble(groupCall, { kind: 'answer', status: 404, body: '' });
    const during = (await pulled()).kinds.find(({ kind }) => kind === 'group');
    expect(during).to.deep.include({ gone: [], conflicts: [], changed: [] });
    jamf.groups.remove(group.id);
    const after = (await pulled()).kinds.find(({ kind }) => kind === 'group');
    expect(after?.gone).to.deep.equal(['lab']);
  });

  it('names that move on from record to record are followed in one pull', async () => {
    const [first, second] = ['A', 'B'].map((name) => jamf.add('categories', { name, priority: 9 }));
    await pulled();
    const [a, b] = (await named('category')).map(([id]) => id);
    jamf.set('categories', first as string, { name: 'B' });
    jamf.set('categories', second as string, { name: 'C' });
    const { kinds } = await pulled();
    expect(kinds[0]?.conflicts).to.deep.equal([]);
    expect((await named('category')).toSorted(([x], [y]) => x - y)).to.deep.equal([
      [a, 'B'],
      [b, 'C'],
    ]);
  });

  it('a computer that Jamf has twice is said, and one that was enrolled anew takes its old place', async () => {
    await reported(1);
    const old = inJamf(1);
    await pulled();
    now += HOUR;
    const anew = inJamf(1);
    const twice = await pulled();
    expect(twice.computers.conflicts[0]?.why).to.contain('twice').and.to.contain(old).and.to.contain(anew);
    jamf.computers.splice(0, 1);
    const { computers: told } = await pulled();
    expect(told).to.deep.include({ conflicts: [], linked: 1 });
    expect((await named('jamf-link')).map(([, name]) => name))
      .to.include(`computer-${anew}`)
      .and.not.include(`computer-${old}`);
  });

  it('a computer that is deleted here is in no group any more, and is known again when it has reported', async () => {
    await reported(1);
    const one = inJamf(1);
    jamf.addGroup({ name: 'lab', members: [one] });
    await pulled();
    const members = async () =>
      (await port((admin) => admin.documents('group').list())).map(({ body }) => body['members']);
    expect(await members()).to.deep.equal([[idOf(1)]]);
    await sandbox.admin(async ({ depot, admin }) => depot.store.computers.remove(idOf(1), admin));
    expect((await pulled({ full: true })).computers).to.deep.include({ linked: 0 });
    expect(await members()).to.deep.equal([[]]);
    await reported(1, { run: 'again' });
    expect((await pulled()).computers).to.deep.include({ linked: 1 });
    expect(await members()).to.deep.equal([[idOf(1)]]);
  });

  it('what was changed and not shown before a cut is shown by the next pull, which changes nothing', async () => {
    jamf.add('categories', { name: 'Tools', priority: 9 });
    const cut = new Error('cut');
    const unpublished = (whole: AdminPort): AdminPort => ({
      ...whole,
      async publish() {
        throw cut;
      },
    });
    const first = await pulled({ admin: unpublished }).then(
      () => null,
      (error: unknown) => error,
    );
    expect(first).to.equal(cut);
    let shown = 0;
    const counting = (whole: AdminPort): AdminPort => ({
      ...whole,
      async publish() {
        shown += 1;
        await whole.publish();
      },
    });
    const { kinds } = await pulled({ admin: counting });
    expect(kinds[0]?.created).to.deep.equal([]);
    expect(shown).to.equal(1);
    await pulled({ admin: counting });
    expect(shown).to.equal(1);
  });

  it('killed at its commits it is gone on with by the next pull, as if it had not been', async function () {
    this.timeout(600_000);
    jamf.now = Date.now;
    jamf.add('categories', { name: 'Tools', priority: 9 });
    jamf.add('scripts', { name: 'greet', scriptContents: 'echo hi' });
    const one = inJamf(1, { report: JSON.stringify(report(1)) });
    jamf.addGroup({ name: 'lab', members: [one] });
    const runChild = async (limit: number, depot: string) => {
      const file = path.join(import.meta.dirname, 'support/pull-child.ts');
      const child = spawn(process.execPath, ['--conditions=d3-source', file, String(limit), depot, server], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
      expect(code === 0 || signal === 'SIGKILL', `${limit} ended with ${code ?? signal}`).to.equal(true);
      return code === 0 ? (JSON.parse(said) as { depot: unknown; conflicts: unknown[] }) : null;
    };
    const copy = (name: string) => {
      const depot = path.join(sandbox.dir, name);
      cpSync(sandbox.depot, depot, { recursive: true });
      return depot;
    };
    const whole = await runChild(0, copy('whole'));
    expect(whole?.conflicts).to.deep.equal([]);
    const killedAt = async (limit: number) => {
      const depot = copy(`cut-${limit}`);
      if ((await runChild(limit, depot)) !== null) return false;
      expect(await runChild(0, depot), `killed at ${limit}`).to.deep.equal(whole);
      return true;
    };
    // Every third point: each of them by itself is cut in one process elsewhere.
    let cuts = 0;
    for (let at = 1; ; at += 3) {
      const both = await Promise.all([killedAt(at), killedAt(at + 1.5)]);
      cuts += both.filter(Boolean).length;
      if (both.includes(false)) break;
    }
    expect(cuts).to.be.greaterThan(6);
  });
});
