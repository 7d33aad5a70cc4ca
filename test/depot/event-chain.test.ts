import { execFile } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { CHAIN_BEGIN, type ChainedEvent, eventHash, verifyChain } from '../../src/depot/event-chain.ts';
import { openDepot } from '../../src/depot/index.ts';
import { d3 } from '../cli/spawn.ts';
import { Sandbox } from '../support/sandbox.ts';
import { newEdition } from './helpers.ts';

function chain(count: number): ChainedEvent[] {
  const events: ChainedEvent[] = [];
  let prev = CHAIN_BEGIN;
  for (let id = 1; id <= count; id += 1) {
    const said = {
      id,
      at: `2030-01-01T00:00:${String(id % 60).padStart(2, '0')}.000Z`,
      by: 'sally',
      what: 'edition.added',
      target_kind: 'edition',
      target_id: id,
      target_name: `tool-${id}-1`,
      before: null,
      after: `{"n":${id}}`,
    };
    const hash = eventHash(prev, said);
    events.push({ ...said, prev, hash });
    prev = hash;
  }
  return events;
}

describe('the chain of events', () => {
  it('finds any change of any row, wherever it is', async () => {
    const whole = chain(12);
    const newest = whole.at(-1) as ChainedEvent;
    const known = { events: 12, newest: newest.hash };
    expect((await verifyChain(whole, [{ id: 5, hash: whole[4]?.hash ?? '' }], known)).problems).to.deep.equal([]);
    const fields = [
      'at',
      'by',
      'what',
      'target_kind',
      'target_id',
      'target_name',
      'before',
      'after',
      'prev',
      'hash',
      'id',
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.nat(11), fc.constantFrom(...fields), async (at, field) => {
        const events = structuredClone(whole);
        const event = events[at] as unknown as Record<string, unknown>;
        event[field] = typeof event[field] === 'number' ? Number(event[field]) + 1_000 : `${String(event[field])}x`;
        const { problems } = await verifyChain(events, [], known);
        expect(problems.map(({ text }) => text).join()).to.include(`event ${String(event['id'])}`);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(11), fc.integer({ min: 1, max: 4 }), async (at, count) => {
        const { problems } = await verifyChain(whole.toSpliced(at, count), [], known);
        expect(problems.length).to.equal(1);
        const isEnd = at + count >= 12;
        expect(problems[0]?.what).to.equal(isEnd ? 'cut' : 'removed');
        if (!isEnd)
          expect(problems[0]?.text).to.match(
            count === 1 ? new RegExp(`event ${at + 1} is gone`) : /events \d+ to \d+ are gone/,
          );
      }),
    );
  });

  it('finds what was put in, and a history that was written anew from some event on', async () => {
    const whole = chain(6);
    const third = whole[2] as ChainedEvent;
    const forged = { ...third, id: 3.5, by: 'mallory', prev: third.hash };
    const put = [...whole.slice(0, 3), { ...forged, hash: eventHash(forged.prev, forged) }, ...whole.slice(3)];
    const { problems } = await verifyChain(put, [], null);
    expect(problems.map(({ what, event }) => [what, event])).to.deep.equal([['inserted', 3.5]]);
    let prev = whole[1]?.hash as string;
    const anew = whole.map((event, at) => {
      if (at < 2) return event;
      const said = { ...event, by: 'mallory', prev };
      prev = eventHash(said.prev, said);
      return { ...said, hash: prev };
    });
    const counted = { events: 6, newest: prev };
    expect((await verifyChain(anew, [], counted)).problems).to.deep.equal([]);
    const found = await verifyChain(anew, [{ id: 5, hash: whole[4]?.hash as string }], counted);
    expect(found.problems.map(({ event, text }) => [event, /signed metadata remembers/.test(text)])).to.deep.equal([
      [5, true],
    ]);
  });
});

describe('d3admin history --verify', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('tool', '2', { live: true });
  });
  afterEach(() => sandbox.remove());

  const verify = async (...words: string[]) => verifyAt(sandbox.depot, ...words);
  const verifyAt = async (depot: string, ...words: string[]) => {
    const argv = ['admin', 'history', '--verify', '--depot', depot, '--json', '--no-input', ...words];
    return JSON.parse((await d3(argv, { env: { USER: 'sally' } })).stdout);
  };
  const database = (sql: string) => {
    const file = new DatabaseSync(path.join(sandbox.depot, 'depot.db'));
    file.exec(sql);
    file.close();
  };
  const newest = () => {
    const file = new DatabaseSync(path.join(sandbox.depot, 'depot.db'));
    const row = file.prepare('select id, hash from events order by id desc limit 1').get() as {
      id: number;
      hash: string;
    };
    file.close();
    return row;
  };

  it('says that all is well, and what the newest event is', async () => {
    const { exit, result, warnings } = await verify();
    const { id, hash } = newest();
    expect([exit, warnings, result.events, result.problems]).to.deep.equal([0, [], id, []]);
    expect(result.newest).to.deep.equal({ id, hash });
    expect(result.anchors).to.be.greaterThan(1);
    expect((await verify('--newest', `${id}:${hash}`)).exit).to.equal(0);
    expect((await verify('--newest', `${id}:${'0'.repeat(64)}`)).exit).to.equal(33);
    expect((await verify('--newest', 'last')).exit).to.equal(2);
  });

  for (const [what, sql, says] of [
    ['altered', "update events set by = 'mallory' where id = 2", /event 2 \(.*mallory.*is not what was written/],
    ['removed', 'delete from events where id = 2', /event 2 is gone: event 3/],
    [
      'put in',
      "insert into events (id, at, by, what, target_kind, target_id, target_name, target_key, before, after, prev, hash) select 100, at, 'mallory', what, target_kind, target_id, target_name, target_key, before, after, prev, hash from events where id = 1",
      /event 100 .*is not what was written/,
    ],
  ] as const) {
    it(`names an event that was ${what} (33)`, async () => {
      database(sql);
      const { exit, errors } = await verify();
      expect([exit, errors[0]?.code]).to.deep.equal([33, 'HISTORY_BROKEN']);
      expect(errors[0]?.message).to.match(says);
    });
  }

  it('misses the end that was cut off, though the depot forgot it too: signed metadata remembers', async () => {
    const { id } = newest();
    database(`delete from events where id = ${id}`);
    expect((await verify()).errors[0]?.message).to.match(/history ends at event|is gone/);
    const now = newest();
    database(`update depot set newest_event = '${now.hash}', events = events - 1`);
    const { exit, errors } = await verify();
    expect(exit).to.equal(33);
    expect(errors[0]?.message).to.match(
      new RegExp(`event ${id} is gone: signed metadata remembers it, and history ends at event ${now.id}`),
    );
  });

  it('reads what was written down, without the depot, and a copy of it without its keys', async () => {
    const written = await d3(['admin', 'history', '--all', '--json', '--depot', sandbox.depot], {
      env: { USER: 'sally' },
    });
    const file = path.join(sandbox.dir, 'history.json');
    await writeFile(file, written.stdout);
    const copy = path.join(sandbox.dir, 'copy');
    await cp(sandbox.depot, copy, { recursive: true });
    await rm(sandbox.depot, { recursive: true });
    const read = await verify('--from', file);
    expect([read.exit, read.result.problems, read.warnings.length]).to.deep.equal([0, [], 1]);
    await writeFile(
      file,
      written.stdout.replace('"by": "sally"', '"by": "mallory"').replace('"by":"sally"', '"by":"mallory"'),
    );
    expect((await verify('--from', file)).exit).to.equal(33);
    for (const name of await readdir(path.join(copy, 'keys')))
      if (name.endsWith('.pem')) await rm(path.join(copy, 'keys', name));
    expect((await verifyAt(copy)).exit).to.equal(0);
    expect((await verify('--from', path.join(sandbox.dir, 'none'))).exit).to.equal(34);
  });

  it('is one chain whoever writes at the same time, processes too', async () => {
    const script = path.join(sandbox.dir, 'writer.ts');
    const here = path.dirname(import.meta.dirname);
    await writeFile(
      script,
      `import { openDepot } from '${here}/../src/depot/index.ts';
       import { newEdition } from '${here}/depot/helpers.ts';
       const [dir, name] = process.argv.slice(2);
       const depot = await openDepot(dir, { clock: { now: () => new Date() } });
       for (let revision = 1; revision <= 15; revision += 1)
         await depot.store.editions.insert(newEdition({ basename: name, revision }), name);
       await depot.close();`,
    );
    const run = promisify(execFile);
    const depots = await Promise.all([0, 1].map(() => openDepot(sandbox.depot, { clock: sandbox.clock })));
    const before = newest().id;
    await Promise.all([
      ...['aa', 'bb'].map((name) => run(process.execPath, ['--conditions=d3-source', script, sandbox.depot, name])),
      ...depots.map(async (depot, at) => {
        for (let revision = 1; revision <= 15; revision += 1)
          await depot.store.editions.insert(newEdition({ basename: `cc${at}`, revision }), 'sally');
      }),
    ]);
    for (const depot of depots) await depot.close();
    const { exit, result } = await verify();
    expect([exit, result.events]).to.deep.equal([0, before + 60]);
  });

  it('chains what an older d3 wrote when its depot is first opened', async () => {
    database(`
      alter table events drop column prev; alter table events drop column hash;
      alter table depot drop column events; alter table depot drop column newest_event;
      alter table depot drop column identity; alter table depot drop column unfinished;
      drop index events_key; alter table events drop column target_key;
      create index events_name on events (lower(target_name));
      drop index runs_parent; drop index runs_ready;
      alter table runs drop column parent; alter table runs drop column ready_at; alter table runs drop column brief;
      drop table page_sessions; drop table tokens; drop table enrolments; drop table enrolment_codes; drop table computer_claims;
      update depot set schema_version = 4`);
    const { exit, result } = await verify();
    expect([exit, result.problems]).to.deep.equal([0, []]);
    expect(result.events).to.be.greaterThan(3);
    expect((await readFile(path.join(sandbox.depot, 'depot.db'))).length).to.be.greaterThan(0);
  });
});
