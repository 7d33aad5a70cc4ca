import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { sendJson } from '../../../src/platform/send-json.ts';
import { repository } from '../../../test/cli/spawn.ts';
import { withOwnPluginSettings, withoutPluginSettings } from '../../../test/support/own-plugin-settings.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { advance } from '../src/advance.ts';
import { begin } from '../src/begin.ts';
import { releaseAsItIs } from '../src/decide.ts';
import { partsOf } from '../src/parts.ts';
import { type Happened, noticeOf, webhookAddress } from '../src/rules/notices.ts';
import { statusOf } from '../src/status.ts';
import { wired } from './support/wired.ts';

interface Got {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

const SECRET = 'T0P/SECRET-of-the-address';
const schema = JSON.parse(readFileSync(path.join(repository, 'schemas/documents/provision-notice@1.json'), 'utf8'));
const isNotice = new Ajv({ strict: false, validateFormats: false }).compile(schema);

/** Notices to a real server on this host, from a real machine in a folder. */
describe('the webhook of a deployment', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let server: Server;
  let got: Got[];
  let answer: (at: number) => number | null;
  before(() => withOwnPluginSettings());
  after(() => withoutPluginSettings());
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' });
    got = [];
    answer = () => 200;
    server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const { url = '', headers } = request;
        got.push({ path: url, headers, body: JSON.parse(Buffer.concat(pieces).toString('utf8')) });
        const status = answer(got.length);
        if (status !== null) response.writeHead(status, { location: 'http://127.0.0.1:9/elsewhere' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    sandbox.remove();
  });

  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${SECRET}`;

  function configure(settings: Record<string, unknown> = {}, mode = 0o600): void {
    const etc = path.join(machine.root, 'etc');
    mkdirSync(etc, { recursive: true });
    writeFileSync(path.join(etc, 'hook'), `${address()}\n`, { mode });
    const provision = { webhookFile: '/etc/hook', update: 'no', checkIn: 'no', ...settings };
    writeFileSync(path.join(etc, 'd3.json'), JSON.stringify({ provision }));
  }

  const parts = () => partsOf(wired(machine).ports);
  const goOn = async () => {
    await advance(await parts(), { stays: false, by: 'sally' });
    return statusOf(wired(machine).ports);
  };
  const setUp = async () => begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, await parts());
  /** Every file of the machine but that of the address, as text. */
  const written = () =>
    readdirSync(machine.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'hook')
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
      .join('\n');

  it('patchoo:HP-05 patchoo:SO-10 patchoo:SQ-03 is told that the machine holds and that it is released, as documented; its address is nowhere else', async () => {
    configure();
    await setUp();
    expect((await goOn()).state).to.equal('holding');
    await goOn();
    expect(got.map(({ body }) => body['event'])).to.deep.equal(['hold-began']);
    await releaseAsItIs(await parts(), { by: 'bob', why: 'a loan' });
    const { state, history } = await goOn();
    expect(state).to.equal('released');
    expect(got.map(({ body }) => [body['event'], body['by'], body['reason']])).to.deep.equal([
      ['hold-began', null, ''],
      ['hold-ended', 'bob', 'a loan'],
      ['released', 'bob', 'a loan'],
    ]);
    for (const { path: at, headers, body } of got) {
      expect(at).to.equal(`/${SECRET}`);
      expect([headers['content-type'], headers['d3-notice']]).to.deep.equal(['application/json', body['id']]);
      expect(isNotice(body), JSON.stringify(isNotice.errors)).to.equal(true);
      expect([body['serial'], body['missing']]).to.deep.equal([
        'C02A',
        body['event'] === 'hold-began' ? ['Build', 'Department'] : [],
      ]);
    }
    expect(history.map(({ notice }) => notice)).to.deep.equal(['sent', 'sent', 'sent']);
    expect(written()).not.to.include('SECRET-of-the-address');
    const file = 'var/lib/d3/plugin-files/_d3_plugin-patchoo-deploy/last-deployment.json';
    const report = JSON.parse(readFileSync(path.join(machine.root, file), 'utf8'));
    expect(report, 'patchoo:DR-15').to.deep.include({
      schema: 'd3/provision-report@1',
      state: 'released',
      serial: 'C02A',
    });
    expect(report.steps.at(-1)).to.deep.include({ kind: 'provision-release', state: 'done' });
    const kept = sandbox.reports().at(-1)?.provisioning;
    expect(kept, 'patchoo:DR-15').to.deep.include({ state: 'released', override: 'bob: a loan' });
  });

  it('patchoo:HP-05 an answer that never comes, an error and a refusal hold nothing up; the address is in no warning', async () => {
    configure();
    answer = (at) => (at === 1 ? null : 500);
    await setUp();
    const before = performance.now();
    expect((await goOn()).state).to.equal('holding');
    expect(performance.now() - before, 'two tries of five seconds at most').to.be.lessThan(30_000);
    answer = () => 302;
    await releaseAsItIs(await parts(), { by: 'bob', why: 'a loan' });
    const { state, warnings, history } = await goOn();
    expect(state).to.equal('released');
    expect(history.every(({ notice }) => notice === 'given-up')).to.equal(true);
    expect(warnings.join('\n')).to.match(/the webhook at 127.0.0.1 does not take hold-began: it answers 302/);
    expect(written()).not.to.include('SECRET-of-the-address');
  });

  it('patchoo:SQ-02 an address that others could read is not used, and that is said', async () => {
    configure({}, 0o644);
    await setUp();
    expect((await goOn()).state).to.equal('holding');
    await releaseAsItIs(await parts(), { by: 'bob', why: 'a loan' });
    const { warnings } = await goOn();
    expect(got).to.deep.equal([]);
    expect(warnings.join()).to.match(/not taken from \/etc\/hook: others may read or change it/);
  });

  it('sends at most so often, follows nobody, and tells what became of it', async () => {
    const signal = new AbortController().signal;
    const send = (url: string, tries = 2) => sendJson({ url, body: {}, within: 300, tries }, { ca: null, signal });
    answer = () => 503;
    expect(await send(address(), 3)).to.deep.equal({ kind: 'answered', status: 503 });
    expect(got.length).to.equal(3);
    answer = () => 307;
    expect(await send(address())).to.deep.equal({ kind: 'answered', status: 307 });
    expect(got.length).to.equal(4);
    answer = () => null;
    expect(await send(address())).to.deep.equal({ kind: 'failed', why: 'it did not answer in time' });
    expect(await send('http://127.0.0.1:1/', 1)).to.deep.equal({
      kind: 'failed',
      why: 'its host refused the connection',
    });
    const ca = path.join(sandbox.dir, 'nothing.pem');
    const untrusting = await sendJson({ url: address(), body: {}, within: 300, tries: 1 }, { ca, signal });
    expect(untrusting)
      .to.have.property('why')
      .that.matches(/^The certificates of http\.ca cannot be read: .*nothing\.pem/);
    expect(JSON.stringify(untrusting)).not.to.include(SECRET);
  });
});

describe('notices', () => {
  const happened: Happened = {
    number: 3,
    event: 'failure-held',
    at: '2026-11-28T12:00:07.000Z',
    state: 'failed-held',
    reason: '<deploy> failed & held',
    by: null,
    missing: [],
    key: 'x',
    notice: 'open',
  };
  const subject = { run: 'run-1', code: 'K7PQ2X', serial: 'C02A', name: 'mac-a', computer: null, values: {} };

  it('patchoo:SO-10 the documented example is what is sent', () => {
    const docs = readFileSync(path.join(repository, 'docs/provisioning.md'), 'utf8');
    const [, example = ''] = /```json\n(\{\n {2}"schema": "d3\/provision-notice@1"[^`]+)```/.exec(docs) ?? [];
    const notice = JSON.parse(example);
    expect(isNotice(notice), JSON.stringify(isNotice.errors)).to.equal(true);
    const made = noticeOf('generic', happened, subject) as Record<string, unknown>;
    expect(isNotice(made), JSON.stringify(isNotice.errors)).to.equal(true);
    expect(Object.keys(made)).to.deep.equal(Object.keys(notice));
  });

  it('are one line for Slack and Teams, with nothing in it that they would take for their own', () => {
    expect(noticeOf('slack', happened, subject)).to.deep.equal({
      text: 'mac-a (C02A) is held by a failure; &lt;deploy&gt; failed &amp; held; code K7PQ2X',
    });
    expect(JSON.stringify(noticeOf('teams', happened, subject))).to.include(
      '"text":"mac-a (C02A) is held by a failure; <deploy> failed & held; code K7PQ2X"',
    );
  });

  it('go to https, or to a server on the machine itself', () => {
    for (const good of ['https://hooks.example.org/a?b', 'http://127.0.0.1:8/x', 'http://[::1]/', 'http://localhost/'])
      expect(webhookAddress(`${good}\n`)?.href, good).to.equal(new URL(good).href);
    for (const bad of ['', 'x', 'http://hooks.example.org/', 'ftp://127.0.0.1/', 'http://127.0.0.1.example.org/'])
      expect(webhookAddress(bad), bad).to.equal(null);
  });
});
