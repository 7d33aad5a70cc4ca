import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { D3Error, type Json, type ProvisioningQuestion, provisioningProblem, type StoredValue } from '@d3/sdk';
import { expect } from 'chai';
import { readHostile } from '../../../src/platform/hostile-files.ts';
import answerHook from '../src/hooks/provisioning.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';
import { ATTRIBUTE } from './support/samples.ts';

const PATCH = 'PATCH /v4/computers-inventory-detail/{id}';

describe('provisioning info of Jamf Pro', () => {
  let jamf: StandIn;
  let root: string;
  let settings: Record<string, Json>;
  let state: Map<string, StoredValue>;

  beforeEach(async () => {
    jamf = new StandIn();
    root = mkdtempSync(path.join(tmpdir(), 'd3-provisioning-'));
    writeFileSync(path.join(root, 'secret'), `${SECRET}\n`, { mode: 0o600 });
    settings = { 'jamf.server': await jamf.start(), 'jamf.clientId': 'd3', 'jamf.secretFile': '/secret' };
    state = new Map();
    jamf.add('departments', { name: 'Art' });
    jamf.add('departments', { name: 'Science' });
    jamf.add('buildings', { name: 'North' });
    jamf.add('sites', { name: 'Campus' });
    jamf.add('attributes', ATTRIBUTE);
    jamf.add('attributes', {
      ...ATTRIBUTE,
      name: 'Build',
      inputType: 'POPUP',
      popupMenuChoices: ['lab', 'office'],
      scriptContents: null,
      inventoryDisplayType: 'GENERAL',
    });
    jamf.add('attributes', { ...ATTRIBUTE, name: 'Note', inputType: 'TEXT', scriptContents: null });
    jamf.computers = [
      { id: '1', udid: 'UDID-1', general: { name: 'twin' }, hardware: { serialNumber: 'SER-1' } },
      { id: '2', udid: 'UDID-2', general: { name: 'twin' }, hardware: { serialNumber: 'SER-2' } },
      { id: '3', udid: 'UDID-3', general: { name: 'alone', assetTag: 'A3' }, hardware: { serialNumber: 'SER-3' } },
    ];
  });
  afterEach(async () => {
    await jamf.stop();
    rmSync(root, { recursive: true, force: true });
    expect(jamf.wrong).to.deep.equal([]);
  });

  async function ask(question: ProvisioningQuestion): Promise<Json> {
    const ports = {
      settings: { all: async () => settings },
      state: {
        get: (key: string) => state.get(key) ?? null,
        set(key: string, value: Json, version: number) {
          const next = { value, version: version + 1 };
          state.set(key, next);
          return next;
        },
      },
      files: { read: async (file: string, most: number) => readHostile(root, file, most) },
      signal: new AbortController().signal,
    };
    const answer = await answerHook(question, ports as never);
    expect(provisioningProblem(question.ask, answer)).to.equal(null);
    return answer;
  }
  const refused = async (question: ProvisioningQuestion): Promise<D3Error> => {
    const error = await ask(question).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(D3Error);
    return error as D3Error;
  };
  const resolve = (record: Record<string, string | boolean>) => ask({ ask: 'resolve', record });
  const idOf = (answer: Json) => (answer as { record: { id: string } | null }).record?.id ?? null;
  const calls = (call: string) => jamf.requests.filter((one) => one.call === call).length;
  const read = () => ask({ ask: 'read', record: { computer: null, name: null, serial: 'SER-3' } });

  it('finds a computer by its serial number, then its UDID, then a name that only one has', async () => {
    expect(idOf(await resolve({ serial: 'SER-2', udid: 'UDID-1', name: 'alone' }))).to.equal('2');
    expect(idOf(await resolve({ serial: 'SER-9', udid: 'UDID-1', name: 'alone' }))).to.equal('1');
    expect(idOf(await resolve({ serial: 'SER-9', udid: 'UDID-9', name: 'alone' }))).to.equal('3');
    expect(idOf(await resolve({ serial: 'SER-9', name: 'nobody' }))).to.equal(null);
    expect(idOf(await resolve({}))).to.equal(null);
    const { exit, message } = await refused({ ask: 'resolve', record: { name: 'twin' } });
    expect(exit).to.equal('refused');
    expect(message).to.contain('2 computers').and.to.contain('twin');
  });

  it('patchoo:D-02 says what may be chosen, without what scripts fill, and which policies there are', async () => {
    jamf.addPolicy({ general: { name: 'Enrol & name' } });
    const answer = await ask({ ask: 'choices', record: { policies: ['Enrol & name', 'Other'] } });
    expect(answer).to.deep.equal({
      schema: 'd3/provisioning-choices@1',
      departments: ['Art', 'Science'],
      buildings: ['North'],
      sites: ['Campus'],
      attributes: { Build: ['lab', 'office'], Note: null },
      policies: { 'Enrol & name': true, Other: false },
    });
  });

  it('patchoo:CN-09 writes all in one request, the name too, leaves what was not named, and reads it back', async () => {
    const change = {
      name: 'lab-3',
      department: 'Science',
      building: 'North',
      site: 'Campus',
      attributes: { Build: 'lab', Note: 'by the window' },
    };
    const answer = await ask({ ask: 'write', record: { serial: 'SER-3', here: true, change } });
    expect(calls(PATCH)).to.equal(1);
    expect(answer).to.deep.equal({ schema: 'd3/provisioned@1', record: { id: '3', ...change } });
    expect(jamf.computers[2]?.['general']).to.include({ assetTag: 'A3' });
    const less = { department: null, attributes: { Note: '' } };
    const { record } = (await ask({ ask: 'write', record: { serial: 'SER-3', change: less } })) as {
      record: Record<string, Json>;
    };
    expect(record).to.deep.include({ department: null, building: 'North', attributes: { Build: 'lab' } });
  });

  it('writes nothing where a name is not there, and names each that is not', async () => {
    const change = { department: 'Sport', building: 'North', attributes: { Build: 'home', 'd3 report': 'x', No: 'y' } };
    const { exit, message } = await refused({ ask: 'write', record: { serial: 'SER-3', change } });
    expect(exit).to.equal('refused');
    expect(message).to.contain('no department is called Sport').and.to.contain('home is no choice of Build');
    expect(message).to.contain('d3 report is filled by SCRIPT').and.to.contain('no extension attribute is called No');
    expect(calls(PATCH)).to.equal(0);
    expect(idOf(await ask({ ask: 'write', record: { serial: 'SER-9', change: { department: 'Art' } } }))).to.equal(
      null,
    );
  });

  it('is told in every run from what was kept: without a call, also where Jamf Pro is away', async () => {
    expect(await read()).to.deep.equal({ handled: false });
    await resolve({ serial: 'SER-1' });
    expect(await read(), 'another computer than this').to.deep.equal({ handled: false });
    const change = { department: 'Art', attributes: { Build: 'office' } };
    await ask({ ask: 'write', record: { serial: 'SER-3', here: true, change } });
    const before = jamf.requests.length;
    expect(await read()).to.deep.equal({ Build: 'office', name: 'alone', department: 'Art' });
    expect(jamf.requests.length).to.equal(before);
    settings = {};
    expect(await read()).to.deep.include({ department: 'Art' });
    await ask({ ask: 'resolve', record: { serial: 'SER-9', here: true } });
    expect(await read(), 'not configured: nobody answered').to.deep.include({ department: 'Art' });
  });

  it('forgets what was kept when Jamf Pro has this machine no more', async () => {
    await resolve({ serial: 'SER-3', here: true });
    expect(await read()).to.deep.equal({ name: 'alone' });
    await resolve({ serial: 'SER-9', here: true });
    expect(await read()).to.deep.equal({ handled: false });
  });

  it('is somebody else’s to answer where no Jamf Pro is configured, and no secret that others read is used', async () => {
    const record = { serial: 'SER-3' };
    settings['jamf.clientId'] = null;
    expect(await ask({ ask: 'resolve', record })).to.deep.equal({ handled: false });
    expect(jamf.requests.length).to.equal(0);
    settings['jamf.clientId'] = 'd3';
    chmodSync(path.join(root, 'secret'), 0o644);
    expect((await refused({ ask: 'resolve', record })).message).to.contain('others may read it');
    rmSync(path.join(root, 'secret'));
    expect((await refused({ ask: 'resolve', record })).message).to.contain('no plain file');
    expect(jamf.requests.length).to.equal(0);
  });

  it('a technician asks by name and password, and the token is given back', async () => {
    settings['jamf.clientId'] = null;
    const login = { user: 'tech', password: SECRET };
    expect(idOf(await ask({ ask: 'resolve', record: { serial: 'SER-3' }, login }))).to.equal('3');
    expect(calls('POST /v1/auth/token')).to.equal(1);
    expect(calls('POST /v1/auth/invalidate-token')).to.equal(1);
    expect(JSON.stringify([...state.values()])).not.to.contain(SECRET);
  });
});

describe('answers of d3:provisioning', () => {
  it('are held to their shape', () => {
    const record = { id: '1', name: 'a', department: null, building: null, site: null, attributes: {} };
    const schema = 'd3/provisioned@1';
    expect(provisioningProblem('resolve', { schema, record })).to.equal(null);
    expect(provisioningProblem('resolve', { handled: false })).to.equal(null);
    expect(provisioningProblem('read', { anything: 'x' })).to.equal(null);
    expect(provisioningProblem('resolve', { record })).to.contain('schema');
    for (const wrong of [{ id: '' }, { name: 1 }, { department: 1 }, { attributes: { a: 1 } }])
      expect(provisioningProblem('write', { schema, record: { ...record, ...wrong } }), JSON.stringify(wrong)).to.be.a(
        'string',
      );
    const choices = { schema: 'd3/provisioning-choices@1', departments: [], buildings: [], sites: [] };
    expect(provisioningProblem('choices', { ...choices, attributes: { a: null }, policies: { b: true } })).to.equal(
      null,
    );
    expect(provisioningProblem('choices', { ...choices, attributes: { a: 1 }, policies: {} })).to.be.a('string');
    expect(provisioningProblem('choices', { ...choices, attributes: {}, policies: { b: 'yes' } })).to.be.a('string');
  });
});
