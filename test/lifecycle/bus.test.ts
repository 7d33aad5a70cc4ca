import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ActionPayload, EventName, EventRow, PluginContext } from '@d3/sdk';
import { EVENTS } from '@d3/sdk';
import { expect } from 'chai';
import { Bus, type HookFile, type HookOutcome } from '../../src/lifecycle/bus.ts';

const PAYLOAD: ActionPayload = {
  basename: 'x',
  edition: 'x-1-1',
  script: null,
  later: null,
  environment: { D3_RUN: 'r' },
  machine: { root: '/r', name: 'mac', user: null },
};

const PROCEED = "{ kind: 'proceed', evidence: [] }";

describe('the bus', () => {
  let dir: string;
  let count = 0;
  let rows: Map<EventName, number>;
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bus-'));
    rows = new Map(EVENTS.map((row) => [row.name, row.timeout]));
  });
  afterEach(() => {
    for (const [name, timeout] of rows) Object.assign(EVENTS.find((row) => row.name === name) as EventRow, { timeout });
    rmSync(dir, { recursive: true, force: true });
  });

  /** A plugin with one handler, whose body is given as code. */
  function plugin(name: string, body: string, head = ''): HookFile {
    count += 1;
    const file = path.join(dir, `${name}-${count}.mjs`);
    writeFileSync(file, `${head}\nexport default ${body};\n`);
    return { plugin: name, file, identifier: 'default' };
  }

  function bus(hooks: HookFile[], options: { signal?: AbortSignal; trace?: string[] } = {}): Bus {
    return new Bus({
      hooks: { filesFor: () => hooks },
      contextFor: (name, signal) => ({ plugin: name, signal }) as unknown as PluginContext,
      ticks: () => 0,
      grace: 100,
      signal: options.signal ?? new AbortController().signal,
      trace: (event, outcome) => options.trace?.push(`${event} ${outcome.plugin} ${outcome.kind}`),
    });
  }

  const gate = (...hooks: HookFile[]) => bus(hooks).fire('d3:install:before', PAYLOAD);
  const kinds = (outcomes: HookOutcome[]) => outcomes.map((outcome) => `${outcome.plugin} ${outcome.kind}`);
  const why = (outcome: HookOutcome | undefined) => (outcome !== undefined && 'why' in outcome ? outcome.why : '');
  const within = (event: EventName, timeout: number) =>
    Object.assign(EVENTS.find((row) => row.name === event) as EventRow, { timeout });

  it('keeps every outcome: ok', async () => {
    expect(kinds(await gate(plugin('a', `async () => (${PROCEED})`), plugin('b', `() => (${PROCEED})`)))).to.deep.equal(
      ['a ok', 'b ok'],
    );
  });

  it('keeps every outcome: a veto, after which nobody is asked', async () => {
    const refuse = "() => ({ kind: 'refuse', reason: 'no', evidence: [], cause: 'rule' })";
    expect(kinds(await gate(plugin('a', refuse), plugin('b', `() => (${PROCEED})`)))).to.deep.equal(['a veto']);
  });

  it('keeps every outcome: a thrown error', async () => {
    const [outcome] = await gate(plugin('a', "() => { throw new Error('broken'); }"));
    expect(outcome?.kind).to.equal('error');
    expect(why(outcome)).to.equal('broken');
  });

  it('keeps every outcome: rejecting with a string, with nothing, with an object', async () => {
    for (const [thrown, said] of [
      ["'plain words'", 'plain words'],
      ['undefined', 'undefined'],
      ['{ a: 1 }', '{"a":1}'],
    ] as const) {
      const [outcome] = await gate(plugin('a', `async () => { throw ${thrown}; }`));
      expect(outcome?.kind).to.equal('error');
      expect(why(outcome)).to.include(said);
    }
  });

  it('keeps every outcome: ending d3 with 0, in both ways there are', async () => {
    const exits = [
      '() => process.exit(0)',
      "() => { throw Object.assign(new Error('EEXIT: 0'), { code: 'EEXIT', oclif: { exit: 0 } }); }",
    ];
    for (const body of exits) {
      const [outcome] = await gate(plugin('a', body));
      expect(outcome?.kind).to.equal('error');
      expect(why(outcome)).to.equal('it tried to end d3 with 0');
    }
  });

  it('keeps every outcome: a hang, within the time of the event, with its signal aborted', async () => {
    within('d3:install:before', 50);
    const head = 'globalThis.d3TestAborted = [];';
    const body =
      "(payload, { signal }) => new Promise(() => signal.addEventListener('abort', () => globalThis.d3TestAborted.push(String(signal.reason.message))))";
    const [outcome] = await gate(plugin('a', body, head));
    expect(outcome?.kind).to.equal('timeout');
    expect((globalThis as unknown as { d3TestAborted: string[] }).d3TestAborted.join()).to.include('took too long');
  });

  it('keeps every outcome: a hang while the module is loaded', async () => {
    within('d3:install:before', 50);
    const [outcome] = await gate(plugin('a', `() => (${PROCEED})`, 'await new Promise(() => {});'));
    expect(outcome?.kind).to.equal('timeout');
  });

  it('keeps every outcome: a missing file, and one that imports a missing file', async () => {
    const missing = { plugin: 'a', file: path.join(dir, 'none.mjs'), identifier: 'default' };
    expect(kinds(await gate(missing))).to.deep.equal(['a missing']);
    const [outcome] = await gate(plugin('a', `() => (${PROCEED})`, "import './none.mjs';"));
    expect(outcome?.kind).to.be.oneOf(['error', 'missing']);
  });

  it('keeps every outcome: no handler, a syntax error, a throw at import', async () => {
    for (const [body, head] of [
      ['42', ''],
      ['() => {', ''],
      [`() => (${PROCEED})`, "throw new Error('at import');"],
    ] as const) {
      expect((await gate(plugin('a', body, head)))[0]?.kind).to.equal('error');
    }
  });

  it('says nothing of a plugin that is absent: nobody listens', async () => {
    expect(await gate()).to.deep.equal([]);
    expect(bus([]).listeners('d3:install:before')).to.deep.equal([]);
  });

  it('asks in the same order in 50 runs, however long each takes', async () => {
    const hooks = ['c', 'a', 'b'].map((name, at) =>
      plugin(name, `async () => { await new Promise((r) => setTimeout(r, ${3 - at})); return ${PROCEED}; }`),
    );
    for (let run = 0; run < 50; run += 1) expect(kinds(await gate(...hooks))).to.deep.equal(['c ok', 'a ok', 'b ok']);
  });

  it('hands everybody a frozen copy of their own', async () => {
    const body =
      "(payload) => { try { payload.machine.name = 'changed'; } catch (error) { return { kind: 'refuse', reason: error.constructor.name, evidence: [], cause: 'rule' }; } }";
    const [outcome] = await gate(plugin('a', body));
    expect(outcome?.kind === 'veto' && outcome.answer.kind === 'refuse' && outcome.answer.reason).to.equal('TypeError');
    expect(PAYLOAD.machine.name).to.equal('mac');
  });

  it('takes no answer that is not what the event wants', async () => {
    const wrong = [
      'undefined',
      'null',
      'true',
      "'proceed'",
      "{ kind: 'maybe' }",
      "{ kind: 'proceed' }",
      "{ kind: 'refuse', evidence: [] }",
      "{ kind: 'proceed', evidence: [{ ran: 'x', outcome: 'ok' }] }",
    ];
    for (const answer of wrong)
      expect((await gate(plugin('a', `() => (${answer})`)))[0]?.kind, answer).to.equal('error');
  });

  it('asks d3:plan at once, and takes neither a promise nor anything outside the closed list', async () => {
    const payload = {
      at: '',
      request: { kind: 'sync', force: false },
      machine: { name: '', os: { name: '', version: '' }, cpu: '', groups: [], processes: [] },
      receipts: [],
      facts: {},
    };
    const fire = async (body: string) => (await bus([plugin('a', body)]).fire('d3:plan', payload))[0];
    const good = await fire(
      "(payload, context) => context === undefined ? [{ kind: 'hold', basename: 'x', reason: 'r' }] : []",
    );
    expect(good?.kind === 'ok' && good.answer).to.deep.equal([{ kind: 'hold', basename: 'x', reason: 'r' }]);
    for (const body of [
      'async () => []',
      "() => [{ kind: 'run', basename: 'x', reason: 'r' }]",
      "() => [{ kind: 'hold', reason: 'r' }]",
      '() => ({})',
      '(payload) => { payload.receipts.push(1); return []; }',
    ]) {
      expect((await fire(body))?.kind, body).to.equal('error');
    }
  });

  it('tells everybody who is only notified, whatever they answer or throw', async () => {
    const payload = { id: 1, basename: 'x', version: '1', revision: 1, edition: 'x-1-1', by: 'sally' };
    const outcomes = await bus([plugin('a', "() => { throw new Error('x'); }"), plugin('b', '() => 42')]).fire(
      'd3:edition:live',
      payload,
    );
    expect(kinds(outcomes)).to.deep.equal(['a error', 'b ok']);
  });

  it('takes the first real answer of a handler', async () => {
    const outcomes = await bus([
      plugin('a', '() => ({ handled: false })'),
      plugin('b', '() => ({ handled: true })'),
      plugin('c', '() => ({ handled: true })'),
    ]).fire('d3:policy', { environment: {}, event: 'deploy' });
    expect(kinds(outcomes)).to.deep.equal(['a ok', 'b ok']);
  });

  it('waits for a handler that ends what it started when d3 is stopped', async () => {
    const abort = new AbortController();
    const ends = `(payload, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(() => {
      globalThis.d3TestEnded = true;
      resolve();
    }, 50)))`;
    setTimeout(() => abort.abort(new Error('stopped by hand')), 20);
    const error = await bus([plugin('a', ends)], { signal: abort.signal })
      .fire('d3:install:before', PAYLOAD)
      .catch((caught: unknown) => caught);
    expect(String(error)).to.include('stopped by hand');
    expect(Reflect.get(globalThis, 'd3TestEnded')).to.equal(true);
    Reflect.deleteProperty(globalThis, 'd3TestEnded');
  });

  it('stops waiting when d3 is stopped', async () => {
    const abort = new AbortController();
    const hanging = bus([plugin('a', '() => new Promise(() => {})')], { signal: abort.signal }).fire(
      'd3:install:before',
      PAYLOAD,
    );
    setTimeout(() => abort.abort(new Error('stopped by hand')), 20);
    const error = await hanging.catch((caught: unknown) => caught);
    expect(String(error)).to.include('stopped by hand');
  });

  it('traces every call', async () => {
    const trace: string[] = [];
    await bus([plugin('a', `() => (${PROCEED})`)], { trace }).fire('d3:install:before', PAYLOAD);
    expect(trace).to.deep.equal(['d3:install:before a ok']);
  });
});
