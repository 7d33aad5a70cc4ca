import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { requestEnrolment } from '../../src/depot/index.ts';
import type { Route } from '../../src/depot/server/route.ts';
import { ROUTES } from '../../src/depot/server/routes/index.ts';
import { TestClock } from './helpers.ts';
import { type Answered, type ServedDepot, serveForTest } from './served.ts';

/** Whatever comes gets an answer of the one shape, and nothing is half-written. */
describe('bad input to a served depot', () => {
  let served: ServedDepot;
  let secret: string;
  before(async () => {
    served = await serveForTest({ clock: new TestClock(), bodyWithin: 300, maxUpload: 1000 });
    secret = await served.token('sally');
  });
  after(() => served.discard());

  const isShaped = ({ status, json, text }: Answered) => {
    expect(json, `${status} ${text}`).to.have.all.keys('code', 'exit', 'message', 'target', 'actions');
  };

  /** What a route that refuses must not have changed. */
  const state = async () => {
    const { store, blobs } = served.depot;
    const counted = [await store.editions.list(), await store.history.list(), await store.runs.list()];
    return [...counted.map(({ length }) => length), await store.publication.generation(), (await blobs.list()).size];
  };

  for (const route of ROUTES.filter(({ body, streams }) => body !== undefined && streams !== true)) {
    it(`${route.method} ${route.url} takes what its schema lets through, and refuses the rest`, async function () {
      this.timeout(120_000);
      const path = addressOf(route);
      const caller = route.access.for === 'machine' ? await served.machineKey(COMPUTER) : secret;
      await fc.assert(
        fc.asyncProperty(mutants(route.body as unknown as Schema), async (json) => {
          const before = await state();
          const answered = await served.ask(route.method, path, { secret: caller, json });
          // 503: busy, as where files of an edition have gone meanwhile.
          expect(
            answered.status === 503 || answered.status < 500,
            `${JSON.stringify(json).slice(0, 500)}: ${answered.text}`,
          ).to.equal(true);
          if (answered.status < 300) return;
          isShaped(answered);
          expect(await state()).to.deep.equal(before);
        }),
        { numRuns: 60 },
      );
    });
  }

  for (const route of ROUTES.filter(({ url }) => url.includes(':') || url.includes('*'))) {
    it(`${route.method} ${route.url} takes any address`, async () => {
      const part = fc.oneof(
        fc.string({ minLength: 1, maxLength: 40 }),
        fc.constantFrom(
          '..',
          '%2e%2e',
          '%00',
          '%',
          '%ff',
          '-1',
          '1e9',
          '9'.repeat(30),
          'é',
          ' ',
          '"',
          '\\',
          'a/../../b',
        ),
        fc.constant('x'.repeat(1500)),
      );
      await fc.assert(
        fc.asyncProperty(part, fc.boolean(), async (text, isEncoded) => {
          const value = isEncoded ? encodeURIComponent(text) : text.replaceAll(/[\s#?\\"<>^`{|}]/g, '_');
          const path = route.url.replaceAll(/:\w+|\*/g, () => value);
          const answered = await served.ask(route.method, path, {
            secret,
            ...(route.body === undefined ? {} : { json: {} }),
          });
          expect(answered.status, `${path}: ${answered.text}`).to.be.lessThan(500);
          if (answered.status >= 400 && answered.text !== '') isShaped(answered);
        }),
        { numRuns: 25 },
      );
    });
  }

  it('malformed, empty, deep and poisoned bodies are refused', async () => {
    const post = (body: string, type = 'application/json') =>
      served.ask('POST', '/api/v1/tokens', { secret, body, headers: { 'content-type': type } });
    const cases: [string, string | undefined, number][] = [
      ['{', undefined, 400],
      ['', undefined, 400],
      ['[]', undefined, 400],
      ['null', undefined, 400],
      ['"text"', undefined, 400],
      [`{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`, undefined, 400],
      ['{"__proto__":{"role":"admin"},"name":"x"}', undefined, 400],
      ['{"name":"x","role":"admin","computer":null,"expiresAt":null,"extra":1}', undefined, 400],
      ['{"name":"x","role":"admin","computer":null,"expiresAt":"soon"}', undefined, 400],
      ['name=x', 'application/x-www-form-urlencoded', 415],
      ['<x/>', 'text/xml', 415],
      ['x', 'application/octet-stream', 415],
      [`{"name":"${'x'.repeat(2 * 1024 * 1024)}"}`, undefined, 413],
    ];
    const before = await state();
    for (const [body, type, status] of cases) {
      const answered = await post(body, type);
      expect([body.slice(0, 40), answered.status]).to.deep.equal([body.slice(0, 40), status]);
      isShaped(answered);
    }
    expect(await state()).to.deep.equal(before);
  });

  it('a body that drips, is cut or lies about its length ends the connection', async function () {
    this.timeout(30_000);
    const head = (length: number) =>
      `POST /api/v1/tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
    const before = await state();
    const slow = await spoken(served.url, [`${head(500)}{"name"`], 3000);
    expect(slow)
      .to.match(/^HTTP\/1\.1 408 /)
      .and.include('"code":"TOO_SLOW"');
    expect(await spoken(served.url, [`${head(500)}{"name"`, null], 3000)).to.not.include('HTTP/1.1 200');
    const smuggled = `GET /api/v1/session HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\nconnection: close\r\n\r\n`;
    const lied = await spoken(served.url, [`${head(5)}{"name":"x"}${smuggled}`], 3000);
    expect(lied).to.include('HTTP/1.1 400').and.not.include('"role":"admin"');
    expect(await spoken(served.url, ['this is no http\r\n\r\n'], 3000)).to.include('"code":"REQUEST_INVALID"');
    const long = `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`;
    expect(await spoken(served.url, [long], 3000)).to.include('"code":"TOO_LARGE"');
    expect(await state()).to.deep.equal(before);
  });

  it('uploads appear when they are whole and right, go on where they were cut, and else do not appear', async () => {
    const bytes = randomBytes(900);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const put = (hash: string, offset: number, size: number, body: Buffer, type = 'application/octet-stream') =>
      served.ask('PUT', `/api/v1/uploads/${hash}?offset=${offset}&size=${size}`, {
        secret,
        body,
        headers: { 'content-type': type },
      });
    const codeOf = async (asked: Promise<Answered>) => {
      const answered = await asked;
      isShaped(answered);
      return [answered.status, answered.json['code']];
    };
    expect((await put(sha256, 0, 900, bytes.subarray(0, 400))).json).to.deep.equal({ received: 400, isThere: false });
    expect(await served.depot.blobs.has(sha256)).to.equal(false);
    expect((await served.ask('GET', `/api/v1/uploads/${sha256}`, { secret })).json['received']).to.equal(400);
    const other = await served.token('joe', 'packager');
    expect((await served.ask('GET', `/api/v1/uploads/${sha256}`, { secret: other })).json['received']).to.equal(0);
    expect(await codeOf(put(sha256, 100, 900, bytes.subarray(100)))).to.deep.equal([409, 'UPLOAD_OFFSET']);
    expect(await codeOf(put(sha256, 400, 900, bytes.subarray(400), 'application/json'))).to.deep.equal([
      415,
      'CONTENT_TYPE',
    ]);
    expect((await put(sha256, 400, 900, bytes.subarray(400))).json).to.deep.equal({ received: 900, isThere: true });
    expect(await served.depot.blobs.read(sha256)).to.deep.equal(bytes);
    const wrong = 'd'.repeat(64);
    expect(await codeOf(put(wrong, 0, 900, bytes))).to.deep.equal([422, 'UPLOAD_DIFFERS']);
    expect(await codeOf(put(wrong, 0, 100, bytes))).to.deep.equal([409, 'UPLOAD_TOO_LONG']);
    expect(await codeOf(put(wrong, 0, 1001, bytes))).to.deep.equal([413, 'TOO_LARGE']);
    expect([...(await served.depot.blobs.list())]).to.deep.equal([sha256]);
    expect((await served.ask('GET', `/blobs/${sha256.slice(0, 2)}/${sha256}`)).status).to.equal(200);
  });

  it('an upload without a byte and without a type is no bug', async () => {
    const none = createHash('sha256').digest('hex');
    const put = (hash: string) => served.ask('PUT', `/api/v1/uploads/${hash}?offset=0&size=0`, { secret });
    expect((await put(none)).json).to.deep.equal({ received: 0, isThere: true });
    const wrong = await put('c'.repeat(64));
    isShaped(wrong);
    expect([wrong.status, wrong.json['code']]).to.deep.equal([422, 'UPLOAD_DIFFERS']);
    await served.depot.blobs.remove(none);
  });

  it('nobody keeps all others from changing anything by asking about very many files', async () => {
    const asked = (count: number) =>
      served.ask('POST', '/api/v1/blobs/remove-unused', {
        secret,
        json: { candidates: Array.from({ length: count }, () => 'c'.repeat(64)) },
      });
    expect([(await asked(1000)).status, (await asked(1001)).status]).to.deep.equal([200, 400]);
  });

  it('times come in any form, and are compared in one', async () => {
    const events = async (since: string) => {
      const { json } = await served.ask('GET', `/api/v1/history?since=${encodeURIComponent(since)}`, { secret });
      return (json['events'] as unknown[]).length;
    };
    expect(await events('Nov 1 2020'))
      .to.be.greaterThan(0)
      .and.equal(await events('2020-11-01T00:00:00.000Z'));
    expect(await events('Nov 1 2040')).to.equal(0);
  });

  it('who asks too often is told to wait', async () => {
    const few = await serveForTest({ clock: new TestClock(), perMinute: 5 });
    try {
      const mine = await few.token('sally');
      const other = await few.token('joe');
      const statuses: number[] = [];
      for (let n = 0; n < 8; n += 1) statuses.push((await few.ask('GET', '/api/v1/session', { secret: mine })).status);
      expect(statuses.slice(0, 5)).to.deep.equal([200, 200, 200, 200, 200]);
      const last = await few.ask('GET', '/api/v1/session', { secret: mine });
      expect(last.status).to.equal(429);
      expect(Number(last.headers.get('retry-after'))).to.be.greaterThan(0);
      isShaped(last);
      expect((await few.ask('GET', '/api/v1/session', { secret: other })).status).to.equal(200);
      const wrong: number[] = [];
      for (let n = 0; n < 3; n += 1)
        wrong.push((await few.ask('GET', '/api/v1/session', { secret: `d3t_${'x'.repeat(43)}` })).status);
      expect(wrong).to.deep.equal([401, 429, 429]);
      expect((await few.ask('GET', '/api/v1/session', { secret: other })).status).to.equal(200);
    } finally {
      await few.discard();
    }
  });

  it('answers are what OpenAPI says, and OpenAPI has every route', async () => {
    const { json } = await served.ask('GET', '/api/v1/openapi.json');
    expect(json['openapi']).to.equal('3.1.0');
    const paths = json['paths'] as Record<string, Record<string, { operationId: string }>>;
    const ids = Object.values(paths).flatMap((methods) =>
      Object.entries(methods).flatMap(([method, { operationId }]) => (method === 'head' ? [] : [operationId])),
    );
    expect(ids.toSorted()).to.deep.equal(ROUTES.map(({ id }) => id).toSorted());
  });
});

describe('a machine that enrols', () => {
  it('takes no answer that a depot does not give', async () => {
    const answers = [
      {},
      null,
      [],
      { state: 'enrolled', enrolment: 1 },
      { state: 'enrolled', enrolment: 1, computer: '../x' },
    ];
    let body: unknown;
    const server = createServer((_request, response) => response.end(JSON.stringify(body)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const computer = { id: COMPUTER, name: 'x', claims: { serial: null, hardwareUuid: null, macs: [] } };
      for (body of answers) {
        const asked = requestEnrolment(
          { url, ca: null, signal: new AbortController().signal },
          { code: 'd3c_x', keyHash: 'a'.repeat(64), computer },
        );
        const code = await asked.then(
          () => 'taken',
          (error) => error.code,
        );
        expect([body, code]).to.deep.equal([body, 'NOT_A_SERVED_DEPOT']);
      }
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

const COMPUTER = '0b9f2c9e-1111-4222-8333-444455556666';

function addressOf(route: Route): string {
  const values: Record<string, string> = {
    ':kind': 'category',
    ':computer': COMPUTER,
    ':file': '20300101T000000000Z-r1.json',
    ':id': route.url.includes('/runs/') ? 'no-run' : '99999',
  };
  const path = route.url.replaceAll(/:\w+/g, (name) => values[name] ?? 'x');
  return route.id === 'saveRun' ? `${path}?generation=1` : path;
}

/** The part of JSON Schema that the routes use. */
interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  pattern?: string;
  additionalProperties?: boolean | Schema;
}

const JUNK = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0.5,
    1e308,
    '',
    '\u0000',
    '\u202e',
    '../../etc/passwd',
    'x'.repeat(70_000),
    [],
    {},
    [[[]]],
  ),
  fc.constantFrom<unknown>({ $ref: '#' }, { constructor: {} }, '$(reboot)', "'; drop table editions; --", 2 ** 60),
  fc.jsonValue({ maxDepth: 3 }),
);

/** What a schema lets through, more or less. */
function fitting(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((each) => fitting(each, depth)));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {}).map(([name, each]) => [
        name,
        fitting(each, depth + 1),
      ]);
      const model = Object.fromEntries(properties) as Record<string, fc.Arbitrary<unknown>>;
      return fc.record(model, { requiredKeys: schema.required ?? [] });
    }
    case 'array':
      return fc.array(fitting(schema.items ?? {}, depth + 1), { maxLength: Math.min(schema.maxItems ?? 3, 3) });
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1_000_000, 1_000_000) });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return schema.pattern === undefined
        ? fc.string({ maxLength: Math.min(schema.maxLength ?? 20, 20) })
        : matching(schema.pattern);
    default:
      return JUNK;
  }
}

function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    // Some patterns look ahead, which no generator can follow.
    return fc.string({ maxLength: 20 });
  }
}

/** Something that fits, or fits but for one thing. */
function mutants(schema: Schema): fc.Arbitrary<unknown> {
  const fits = fitting(schema);
  const changed = fc
    .tuple(fits, fc.nat(), JUNK, fc.constantFrom('replace', 'remove', 'add'))
    .map(([value, at, junk, how]) => {
      if (typeof value !== 'object' || value === null) return junk;
      const names = Object.keys(value);
      const name = how === 'add' || names.length === 0 ? 'surprise' : (names[at % names.length] as string);
      const { [name]: _gone, ...rest } = value as Record<string, unknown>;
      return how === 'remove' ? rest : { ...rest, [name]: junk };
    });
  return fc.oneof({ weight: 2, arbitrary: fits }, { weight: 3, arbitrary: changed }, { weight: 1, arbitrary: JUNK });
}

/** Says something on a bare connection. @param parts null: the connection is cut. @returns what came back */
function spoken(url: string, parts: (string | null)[], within: number): Promise<string> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = '';
    const timer = setTimeout(() => socket.destroy(), within);
    socket.on('data', (piece) => (text += piece.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    for (const part of parts) {
      if (part === null) setTimeout(() => socket.destroy(), 50);
      else socket.write(part);
    }
  });
}
