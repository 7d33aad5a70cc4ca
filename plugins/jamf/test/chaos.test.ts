import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Connection } from '../src/connector/connection.ts';
import { changePackage, deletePackage, ensurePackage, readPackage, uploadPackage } from '../src/connector/packages.ts';
import { changeRecord, deleteRecord, ensureRecord, findRecord } from '../src/connector/records.ts';
import { SECRET, type Trouble } from './support/jamf-pro.ts';
import { PACKAGE } from './support/samples.ts';
import { TestSite } from './support/site.ts';

const PAGE = '<html><body>Bad</body></html>';
const JSON_TYPE = 'application/json';

/** What may happen to one request. Time may pass, and the server may forget every token. */
type Event = Trouble | { kind: 'later'; seconds: number } | { kind: 'forgotten' } | null;

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 5, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Trouble>({ kind: 'cut-before' }, { kind: 'cut-during' }, { kind: 'cut-after' }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(408, 429, 500, 502, 503, 504)
      .map((status): Trouble => ({ kind: 'answer', status, body: PAGE })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Trouble>(
      { kind: 'answer', status: 401 },
      { kind: 'answer', status: 401, body: '{"id":"1","href":"/","totalCount":0,"results":[]}', type: JSON_TYPE },
      { kind: 'answer', status: 200, body: PAGE },
      { kind: 'answer', status: 503, body: '{"code":"X","message":"busy"}', type: JSON_TYPE },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Trouble>(
      { kind: 'answer-after', status: 502, body: PAGE },
      { kind: 'answer-after', status: 504 },
      { kind: 'answer-after', status: 200, body: PAGE },
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 90 }).map((seconds): Event => ({ kind: 'later', seconds })) },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: 'forgotten' }) },
);

describe('whatever happens on the way to Jamf Pro', function () {
  this.timeout(240_000);
  let folder: string;
  const bytes = Buffer.alloc(200_000, 'chaos');
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'd3-jamf-'));
    writeFileSync(path.join(folder, 'a.pkg'), bytes);
  });

  after(() => rmSync(folder, { recursive: true }));

  it('nothing is doubled or lost, five calls are the most at once, users are logged out, and no secret is said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 120 }),
        fc.boolean(),
        fc.constantFrom(0, 60_000),
        async (events, asUser, lag) => chaos(events, asUser, lag),
      ),
      { numRuns: 60 },
    );
  });

  async function chaos(events: readonly Event[], asUser: boolean, lag: number): Promise<void> {
    const site = await TestSite.open();
    try {
      await held(site, events, asUser, lag);
    } finally {
      await site.close();
    }
  }

  async function held(site: TestSite, events: readonly Event[], asUser: boolean, lag: number): Promise<void> {
    const { jamf } = site;
    const errors: D3Error[] = [];
    const tokens = new Set<string>();
    jamf.behaviours.lag = lag;
    jamf.behaviours.pendingReads = 2;
    const left = [...events];
    let given = 0;
    jamf.chaos = (call) => {
      for (const token of jamf.tokens.keys()) tokens.add(token);
      const next = left.shift() ?? undefined;
      if (next?.kind === 'later') site.now += next.seconds * 1000;
      else if (next?.kind === 'forgotten') jamf.tokens.clear();
      // A login whose answer is lost leaves a token nobody can give back; and whoever never hears a yes gives up at some time.
      else if (call === 'POST /v1/auth/token') return next?.kind === 'cut-before' ? next : undefined;
      else if (call === 'POST /v1/auth/invalidate-token') return given++ % 3 === 2 ? undefined : next;
      else return next;
      return undefined;
    };
    const connection = site.connect(asUser ? { user: 'tech', password: SECRET } : undefined);
    /** What a person does: runs it again until it works, which takes a while; what never works is no trouble that passes. */
    const insist = async <T>(work: () => Promise<T>): Promise<T> => {
      for (let tries = 0; ; tries += 1) {
        try {
          return await work();
        } catch (error) {
          if (!(error instanceof D3Error) || tries === 300) throw error;
          errors.push(error);
          site.now += 5000;
        }
      }
    };
    await Promise.all([1, 2, 3].map(async (number) => onePackage(connection, number, insist)));
    await connection.close();
    const kept = { ...PACKAGE, notes: 'kept', info: 'changed', cloudTransferStatus: 'READY', sha256 };
    expect(jamf.packages).to.have.length(3);
    for (const row of jamf.packages) expect(row).to.deep.include({ ...kept, fileName: row['fileName'] });
    expect(new Set(jamf.packages.map(({ fileName }) => fileName)).size).to.equal(3);
    expect(jamf.rows('scripts').map(({ name }) => name)).to.have.members(['new 1', 'new 2', 'new 3']);
    expect(jamf.rows('categories')).to.deep.equal([]);
    expect(jamf.mostAtOnce).to.be.at.most(5);
    const living = [...jamf.tokens.values()].filter(({ end, user }) => user && end > site.now);
    expect(living).to.deep.equal([]);
    const said = errors
      .map((error) => `${error.message} ${inspect(error, { depth: 20, showHidden: true })}`)
      .join('\n');
    const basic = Buffer.from(`tech:${SECRET}`).toString('base64');
    for (const secret of [SECRET, basic, ...tokens]) expect(said).not.to.contain(secret);
  }

  async function onePackage(
    connection: Connection,
    number: number,
    insist: <T>(work: () => Promise<T>) => Promise<T>,
  ): Promise<void> {
    const fileName = `a-${number}.pkg`;
    const upload = { file: path.join(folder, 'a.pkg'), fileName, sha256 };
    const id = await insist(async () => ensurePackage(connection, { ...PACKAGE, fileName, notes: 'kept' }));
    await insist(async () => uploadPackage(connection, id, upload, 600_000));
    await insist(async () => changePackage(connection, id, { info: 'changed' }));
    const script = await insist(async () => ensureRecord(connection, 'script', { name: `old ${number}` }));
    await insist(async () => changeRecord(connection, 'script', script.id, { name: `new ${number}` }));
    const category = await insist(async () =>
      ensureRecord(connection, 'category', { name: `c ${number}`, priority: 1 }),
    );
    await insist(async () => deleteRecord(connection, 'category', category.id));
    const doomed = await insist(async () =>
      ensurePackage(connection, { ...PACKAGE, fileName: `doomed-${number}.pkg` }),
    );
    await insist(async () => deletePackage(connection, doomed));
    expect((await insist(async () => readPackage(connection, id))).id).to.equal(id);
    expect(await insist(async () => findRecord(connection, 'category', `c ${number}`))).to.equal(null);
  }
});
