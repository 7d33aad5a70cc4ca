import { expect } from 'chai';
import { documentKinds } from '../../src/depot/document-kinds.ts';
import { newSecret } from '../../src/depot/index.ts';
import { RANKS, type Rank } from '../../src/depot/roles.ts';
import type { Route } from '../../src/depot/server/route.ts';
import { ROUTES } from '../../src/depot/server/routes/index.ts';
import { newEdition, newReport, TestClock } from './helpers.ts';
import { type Answered, type ServedDepot, serveForTest } from './served.ts';

/** Who may use a route, said here once more: the table of routes is compared with it, and a new route has to be put down. */
type Allowed = 'anybody' | Rank | 'machine' | 'provisioning' | 'by kind';
const EXPECTED: Readonly<Record<string, Allowed>> = {
  health: 'anybody',
  ready: 'anybody',
  metrics: 'viewer',
  publicFile: 'anybody',
  blob: 'anybody',
  report: 'machine',
  putReport: 'machine',
  enrol: 'anybody',
  listEditions: 'viewer',
  getEdition: 'viewer',
  addEdition: 'packager',
  changeEdition: 'packager',
  makeLive: 'releaser',
  takeFromLive: 'releaser',
  deleteEdition: 'packager',
  listArchivedEditions: 'viewer',
  restoreEdition: 'packager',
  filesOfEditions: 'viewer',
  getBasename: 'viewer',
  getHighestRevision: 'viewer',
  listDocuments: 'viewer',
  getDocument: 'viewer',
  addDocument: 'by kind',
  changeDocument: 'by kind',
  removeDocument: 'by kind',
  historyOfDocument: 'viewer',
  hashesInDocuments: 'viewer',
  listHistory: 'viewer',
  targetsCalled: 'viewer',
  addHistory: 'admin',
  listComputers: 'viewer',
  getComputer: 'viewer',
  removeComputer: 'admin',
  receiptsOfComputer: 'viewer',
  outcomesOfComputer: 'viewer',
  queueOfComputer: 'viewer',
  reportsOfComputer: 'viewer',
  provisioningOfComputer: 'provisioning',
  newestReports: 'viewer',
  installed: 'viewer',
  queued: 'viewer',
  problems: 'viewer',
  isReported: 'viewer',
  namesInstalled: 'viewer',
  installedNames: 'viewer',
  page: 'anybody',
  pageFile: 'anybody',
  signIn: 'viewer',
  getSession: 'viewer',
  signOut: 'anybody',
  viewOverview: 'viewer',
  viewBasenames: 'viewer',
  viewSpread: 'viewer',
  viewComputers: 'viewer',
  viewComputer: 'viewer',
  viewQueue: 'viewer',
  viewRuns: 'viewer',
  viewRun: 'viewer',
  listRuns: 'viewer',
  listRunFamily: 'viewer',
  readyRuns: 'viewer',
  getRun: 'viewer',
  addRun: 'releaser',
  saveRun: 'releaser',
  linesOfRun: 'viewer',
  appendLines: 'releaser',
  getPublication: 'viewer',
  publish: 'packager',
  getKeys: 'viewer',
  getDrafts: 'releaser',
  addSignatures: 'releaser',
  listBlobs: 'viewer',
  getBlob: 'viewer',
  verifyBlob: 'packager',
  setBlobAside: 'admin',
  removeUnused: 'packager',
  listUnfinished: 'viewer',
  removeUnfinished: 'admin',
  getUpload: 'packager',
  upload: 'packager',
  whoAmI: 'viewer',
  listTokens: 'admin',
  addToken: 'admin',
  revokeToken: 'admin',
  listCodes: 'admin',
  addCode: 'admin',
  revokeCode: 'admin',
  listEnrolments: 'admin',
  approveEnrolment: 'admin',
  refuseEnrolment: 'admin',
};
/** Who may change documents of each kind. */
const WRITERS: Readonly<Record<string, Rank>> = {
  building: 'admin',
  category: 'packager',
  computer: 'admin',
  'computer-ahead': 'admin',
  department: 'admin',
  ea: 'admin',
  group: 'releaser',
  mirror: 'admin',
  policy: 'releaser',
  script: 'packager',
  site: 'admin',
};

const OWN = '0b9f2c9e-1111-4222-8333-444455556666';
const OTHER = '1b9f2c9e-1111-4222-8333-444455556666';
const HASH = 'e'.repeat(64);

/** What routes cannot do without. */
const QUERIES: Readonly<Record<string, string>> = {
  deleteEdition: 'archive=false',
  removeDocument: 'generation=1',
  targetsCalled: 'name=x',
  saveRun: 'generation=1',
  upload: 'offset=0&size=1',
};

function address(route: Route, put: { computer: string; kind: string }): string {
  const values: Record<string, string> = {
    id: route.url.includes('/runs/') ? 'no-run' : '99999',
    sha256: HASH,
    basename: 'nothing',
    version: '1',
    name: route.id === 'removeUnfinished' ? '.tmp-none' : 'nobody',
    file: '20300101T000000000Z-r1.json',
    ...put,
  };
  const path = route.url.replace('*', 'nothing').replaceAll(/:(\w+)/g, (_all, name: string) => values[name] as string);
  const query = QUERIES[route.id];
  return query === undefined ? path : `${path}?${query}`;
}

const CALLERS = ['nobody', ...RANKS, 'technician', 'machine', 'revoked', 'expired', 'made up'] as const;
type CallerName = (typeof CALLERS)[number];

function allows(allowed: Allowed, caller: CallerName, computer: string, kind: string): boolean {
  if (allowed === 'anybody') return true;
  if (allowed === 'machine') return caller === 'machine';
  const rank = RANKS.findIndex((known) => known === caller);
  if (allowed === 'provisioning')
    return rank >= 0 || ((caller === 'technician' || caller === 'machine') && computer === OWN);
  const least = allowed === 'by kind' ? (WRITERS[kind] as Rank) : allowed;
  return rank >= RANKS.indexOf(least);
}

describe('who may do what on a served depot', () => {
  let served: ServedDepot;
  let clock: TestClock;
  const secrets = new Map<CallerName, string>();
  before(async () => {
    clock = new TestClock();
    served = await serveForTest({ clock });
    const { tokens } = served.depot.store;
    await reported();
    for (const role of RANKS) secrets.set(role, await served.token(role, role));
    const add = async (name: string, changes: object) =>
      (await tokens.add({ name, role: 'admin', computer: null, expiresAt: null, ...changes }, 'test')).secret;
    secrets.set('technician', await add('technician', { role: 'technician', computer: OWN }));
    secrets.set('revoked', await add('revoked', {}));
    await tokens.revoke('revoked', 'test');
    secrets.set('expired', await add('expired', { expiresAt: '2030-01-01T12:00:00.000Z' }));
    secrets.set('made up', newSecret('token'));
    secrets.set('machine', await served.machineKey(OWN));
    clock.moveDays(1);
  });
  after(() => served.discard());
  const reported = async () => {
    for (const id of [OWN, OTHER]) await served.depot.store.computers.takeReport(newReport({}, { id }));
  };

  const ask = (route: Route, caller: CallerName, put: { computer: string; kind: string }, json: unknown = {}) => {
    const hasBody = route.body !== undefined;
    return served.ask(route.method, address(route, put), {
      secret: secrets.get(caller),
      ...(route.streams === true
        ? { body: 'x', headers: { 'content-type': 'application/octet-stream' } }
        : hasBody
          ? { json }
          : {}),
    });
  };
  const isRefused = ({ status, json }: Answered) => {
    if (status !== 401 && status !== 403) return false;
    expect(json).to.include.keys('code', 'message', 'target', 'actions');
    return true;
  };

  it('is put down for each route, and nothing else', () => {
    expect(ROUTES.map(({ id }) => id).toSorted()).to.deep.equal(Object.keys(EXPECTED).toSorted());
    expect(documentKinds()).to.deep.equal(Object.keys(WRITERS));
  });

  for (const route of ROUTES) {
    it(`${route.method} ${route.url}`, async () => {
      const allowed = EXPECTED[route.id] as Allowed;
      const kinds = route.url.includes(':kind') ? Object.keys(WRITERS) : ['group'];
      const computers = route.url.includes(':computer') ? [OWN, OTHER] : [OWN];
      for (const caller of CALLERS) {
        for (const kind of kinds) {
          for (const computer of computers) {
            // As far as the store, so that what only the route itself knows counts too.
            const json = {
              addDocument: { name: 'x', body: { schema: `d3/${kind}@1` } },
              changeDocument: { generation: 1 },
            };
            const answered = await ask(route, caller, { computer, kind }, json[route.id as 'addDocument']);
            const expected = allows(allowed, caller, computer, kind);
            const what = `${caller} ${kind} ${computer}: ${answered.status} ${answered.text.slice(0, 300)}`;
            // A report is refused by its own schema before anybody looks whose it is.
            if (allowed === 'machine' && expected) expect(answered.status, what).to.be.oneOf([400, 403]);
            else expect(isRefused(answered), what).to.equal(!expected);
            expect(answered.status, what).to.be.lessThan(500);
          }
        }
      }
      if (route.id !== 'removeComputer') return;
      // With a computer goes its key.
      expect((await served.ask('POST', '/api/v1/reports', { secret: secrets.get('machine') })).status).to.equal(401);
      await reported();
      secrets.set('machine', await served.machineKey(OWN));
    });
  }

  it('a machine speaks of itself alone: its own report is taken, another’s is not', async () => {
    const secret = secrets.get('machine') as string;
    const report = (id: string) => newReport({ at: '2030-01-01T00:00:00.000Z' }, { id });
    const post = (id: string) => served.ask('POST', '/api/v1/reports', { secret, json: report(id) });
    expect((await post(OWN)).json).to.deep.equal({ taken: true });
    expect((await post(OTHER)).json['code']).to.equal('FOREIGN_COMPUTER');
    const put = (id: string, said: string) =>
      served.ask('PUT', `/inbox/${id}/20300101T000000000Z-r1.json`, { secret, json: report(said) });
    expect((await put(OWN, OWN)).json).to.deep.equal({ taken: true });
    expect((await put(OWN, OTHER)).json['code']).to.equal('FOREIGN_COMPUTER');
    expect((await put(OTHER, OTHER)).json['code']).to.equal('FOREIGN_COMPUTER');
    expect((await served.depot.store.computers.reports(OTHER)).length).to.equal(1);
  });

  it('what is live is changed and deleted by releasers only', async () => {
    const { editions } = served.depot.store;
    const pilot = await editions.insert(newEdition({ basename: 'one' }), 'test');
    const live = await editions.insert(newEdition({ basename: 'two' }), 'test');
    await editions.makeLive(live.id, 'test', { liveId: null, newestId: live.id });
    const change = async (id: number, caller: CallerName) =>
      (await served.ask('PATCH', `/api/v1/editions/${id}`, { secret: secrets.get(caller), json: { reboot: true } }))
        .status;
    const remove = async (id: number, caller: CallerName) =>
      (await served.ask('DELETE', `/api/v1/editions/${id}?archive=false`, { secret: secrets.get(caller) })).status;
    expect([await change(pilot.id, 'packager'), await change(live.id, 'packager')]).to.deep.equal([200, 403]);
    expect(await change(live.id, 'releaser')).to.equal(200);
    expect([await remove(live.id, 'packager'), await remove(pilot.id, 'packager')]).to.deep.equal([403, 200]);
    expect(await remove(live.id, 'releaser')).to.equal(200);
    const events = await served.depot.store.history.list({ kind: 'edition', id: live.id });
    expect(events.map(({ by }) => by)).to.deep.equal(['test', 'test', 'releaser', 'releaser']);
  });

  it('what becomes live meanwhile is not changed or deleted by a packager either', async () => {
    const { editions } = served.depot.store;
    const { id } = await editions.insert(newEdition({ basename: 'three' }), 'test');
    const secret = secrets.get('packager');
    const expected = await served.ask('DELETE', `/api/v1/editions/${id}?archive=false&expected=live`, { secret });
    expect(expected.status).to.equal(403);
    const look = editions.byId.bind(editions);
    editions.byId = async (which) => {
      const found = await look(which);
      await editions.makeLive(id, 'test', { liveId: null, newestId: id });
      return found;
    };
    try {
      const changed = await served.ask('PATCH', `/api/v1/editions/${id}`, { secret, json: { reboot: true } });
      expect([changed.status, changed.json['code']]).to.deep.equal([409, 'EDIT_CONFLICT']);
    } finally {
      editions.byId = look;
    }
    expect((await editions.byId(id))?.reboot).to.equal(false);
  });

  it('a technician is not told of a computer that calls itself what another’s id is', async () => {
    const gone = '2b9f2c9e-1111-4222-8333-444455556666';
    const { tokens, computers } = served.depot.store;
    const { secret } = await tokens.add({ name: 'tom', role: 'technician', computer: gone, expiresAt: null }, 'test');
    await computers.takeReport(newReport({ run: 'odd-name' }, { id: OTHER, name: gone }));
    const asked = await served.ask('GET', `/api/v1/computers/${gone}/provisioning`, { secret });
    expect([asked.status, asked.json['code']]).to.deep.equal([403, 'FOREIGN_COMPUTER']);
  });

  it('a token that is revoked opens nothing from the next request on', async () => {
    const secret = await served.token('short-lived');
    const status = async () => (await served.ask('GET', '/api/v1/session', { secret })).status;
    expect(await status()).to.equal(200);
    await served.ask('DELETE', '/api/v1/tokens/short-lived', { secret: secrets.get('admin') });
    expect(await status()).to.equal(401);
  });

  it('no secret is kept or logged', async () => {
    const secret = await served.token('secret-keeper');
    await served.ask('GET', '/api/v1/session', { secret });
    await served.ask('GET', `/api/v1/session?token=${secret}`, { secret });
    await served.ask('DELETE', `/api/v1/tokens/${secret}`, { secret });
    await served.ask('GET', `/nothing/${secret}`, { secret });
    const listed = await served.ask('GET', '/api/v1/tokens', { secret });
    const kept = JSON.stringify(await served.depot.store.history.list());
    for (const text of [served.log.join('\n'), listed.text, kept]) expect(text).to.not.include(secret);
    expect(served.log.join('\n')).to.include('"by":"secret-keeper"');
  });
});

describe('who reads what machines read, where that is for enrolled ones only', () => {
  it('asks for a key or a token, and a technician’s opens nothing', async () => {
    const clock = new TestClock();
    const served = await serveForTest({ clock, readers: 'enrolled' });
    try {
      const { tokens, computers } = served.depot.store;
      await computers.takeReport(newReport({}, { id: OWN }));
      const technician = await tokens.add({ name: 't', role: 'technician', computer: OWN, expiresAt: null }, 'test');
      const status = async (secret?: string) =>
        (await served.ask('GET', '/public/metadata/timestamp.json', { secret })).status;
      expect(await status()).to.equal(401);
      expect(await status(newSecret('key'))).to.equal(401);
      expect(await status(technician.secret)).to.equal(403);
      expect(await status(await served.machineKey(OTHER))).to.equal(200);
      const viewer = await served.token('v', 'viewer');
      expect(await status(viewer)).to.equal(200);
      const { headers } = await served.ask('GET', '/public/metadata/1.root.json', { secret: viewer });
      // What a cache in between keeps, it gives to anybody.
      expect(headers.get('cache-control')).to.include('private').and.not.include('public');
      await served.depot.store.tokens.revoke('v', 'test');
      expect(await status(viewer)).to.equal(401);
    } finally {
      await served.discard();
    }
  });
});
