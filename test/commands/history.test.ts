import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { History } from '../../src/admin/history.ts';
import { repository } from '../cli/spawn.ts';
import { MunkiRepository } from '../support/munki.ts';
import { Sandbox } from '../support/sandbox.ts';
import { linesOf } from './lines.ts';

interface Change {
  /** What is typed after `d3 admin` or `d3 depot`. */
  line: readonly string[];
  /** What history tells of it. */
  what: string;
  target: string;
  /** Lines before it that are no matter of this command. */
  before?: readonly (readonly string[])[];
}

const named = (kind: string): Record<string, Change> => ({
  [`admin:${kind}:add`]: { line: ['admin', kind, 'add', `${kind}-1`], what: 'document.created', target: `${kind}-1` },
  [`admin:${kind}:edit`]: {
    line: ['admin', kind, 'edit', `${kind}-1`, '--name', `${kind}-2`],
    what: 'document.changed',
    target: `${kind}-2`,
  },
  [`admin:${kind}:delete`]: {
    line: ['admin', kind, 'delete', `${kind}-2`, '-a'],
    what: 'document.removed',
    target: `${kind}-2`,
  },
});

const MIRROR = 'https://mirror.example.org/d3';

/** Each command that changes a depot, in an order in which each finds what it needs. */
const CHANGING: Readonly<Record<string, Change>> = {
  'admin:add': { line: ['admin', 'add', 'tool', '-v', '1', '-s', 'SOURCE'], what: 'edition.added', target: 'tool-1-1' },
  'admin:edit': { line: ['admin', 'edit', 'tool-1-1', '-d', 'new'], what: 'edition.edited', target: 'tool-1-1' },
  'admin:live': { line: ['admin', 'live', 'tool-1-1', '-a'], what: 'edition.live', target: 'tool-1-1' },
  'admin:unlive': { line: ['admin', 'unlive', 'tool', '-a'], what: 'edition.unlive', target: 'tool-1-1' },
  'admin:delete': {
    line: ['admin', 'delete', 'tool-1-1', '-a', '--archive', '--keep-file'],
    what: 'edition.archived',
    target: 'tool-1-1',
  },
  'admin:import:munki': {
    line: ['admin', 'import', 'munki', 'MUNKI'],
    what: 'edition.added',
    target: 'Munkitool-1-1',
  },
  'admin:restore': { line: ['admin', 'restore', 'tool-1-1'], what: 'edition.restored', target: 'tool-1-1' },
  ...named('category'),
  ...named('department'),
  ...named('building'),
  ...named('site'),
  ...named('ea'),
  ...named('group'),
  'admin:group:members': {
    before: [['admin', 'group', 'add', 'lab']],
    line: ['admin', 'group', 'members', 'lab', '--add', 'mac-a'],
    what: 'document.changed',
    target: 'lab',
  },
  'admin:script:add': {
    line: ['admin', 'script', 'add', 'SCRIPT', '--name', 'check'],
    what: 'document.created',
    target: 'check',
  },
  'admin:script:edit': {
    line: ['admin', 'script', 'edit', 'check', '--description', 'looks'],
    what: 'document.changed',
    target: 'check',
  },
  'admin:script:delete': {
    line: ['admin', 'script', 'delete', 'check', '-a'],
    what: 'document.removed',
    target: 'check',
  },
  'admin:policy:add': {
    line: ['admin', 'policy', 'add', 'greet', '--file', 'POLICY'],
    what: 'document.created',
    target: 'greet',
  },
  'admin:policy:edit': {
    line: ['admin', 'policy', 'edit', 'greet', '--frequency', 'once'],
    what: 'document.changed',
    target: 'greet',
  },
  'admin:policy:delete': {
    line: ['admin', 'policy', 'delete', 'greet', '-a'],
    what: 'document.removed',
    target: 'greet',
  },
  'admin:computer:edit': {
    line: ['admin', 'computer', 'edit', 'mac-a', '--name', 'mine'],
    what: 'document.created',
    target: 'COMPUTER',
  },
  'admin:computer:delete': {
    line: ['admin', 'computer', 'delete', 'mine', '-a'],
    what: 'computer.deleted',
    target: 'COMPUTER',
  },
  'admin:doctor': { line: ['admin', 'doctor', '--fix'], what: 'depot.mended', target: 'files' },
  'admin:token:add': {
    line: ['admin', 'token', 'add', 'ci', '--role', 'packager'],
    what: 'token.added',
    target: 'ci',
  },
  'admin:token:revoke': { line: ['admin', 'token', 'revoke', 'ci'], what: 'token.revoked', target: 'ci' },
  'admin:enrol:code': {
    line: ['admin', 'enrol', 'code', '--once', '--note', 'lab'],
    what: 'enrolment.code',
    target: '1',
  },
  'depot:keys:rotate': { line: ['depot', 'keys', 'rotate', 'timestamp'], what: 'keys.rotated', target: 'timestamp' },
  'depot:mirror:add': { line: ['depot', 'mirror', 'add', MIRROR], what: 'document.created', target: MIRROR },
  'depot:mirror:delete': { line: ['depot', 'mirror', 'delete', MIRROR], what: 'document.removed', target: MIRROR },
};

const looks = (kind: string): Record<string, string[]> => ({
  [`admin:${kind}:list`]: ['admin', kind, 'list'],
  [`admin:${kind}:show`]: ['admin', kind, 'show', `kept-${kind}`],
});

/** Each command that leaves the depot as it is. */
const LOOKING: Readonly<Record<string, string[]>> = {
  ...looks('category'),
  ...looks('department'),
  ...looks('building'),
  ...looks('site'),
  ...looks('ea'),
  ...looks('group'),
  'admin:group:test': ['admin', 'group', 'test', 'kept-group'],
  'admin:script:list': ['admin', 'script', 'list'],
  'admin:script:show': ['admin', 'script', 'show', 'kept-script'],
  'admin:policy:list': ['admin', 'policy', 'list'],
  'admin:policy:show': ['admin', 'policy', 'show', 'kept-policy'],
  'admin:policy:test': ['admin', 'policy', 'test', 'kept-policy', 'mac-b'],
  'admin:computer:list': ['admin', 'computer', 'list'],
  'admin:computer:show': ['admin', 'computer', 'show', 'mac-b'],
  'admin:show': ['admin', 'show'],
  'admin:info': ['admin', 'info', 'kept-1-1'],
  'admin:search': ['admin', 'search', 'kept'],
  'admin:report': ['admin', 'report', 'all'],
  'admin:history': ['admin', 'history'],
  'admin:token:list': ['admin', 'token', 'list'],
  'admin:enrol:list': ['admin', 'enrol', 'list'],
  'depot:collect': ['depot', 'collect'],
  'depot:keys:export-root': ['depot', 'keys', 'export-root'],
  'depot:keys:list': ['depot', 'keys', 'list'],
  'depot:keys:sign': ['depot', 'keys', 'sign'],
  'depot:mirror:list': ['depot', 'mirror', 'list'],
  'depot:publish': ['depot', 'publish'],
};

/** What changes no record of a depot that is there: an admin's own settings, a depot made or moved as a whole, this host's services. */
const ELSEWHERE = [
  'admin:config',
  'depot:backup',
  'depot:init',
  'depot:keys:init',
  'depot:migrate',
  'depot:restore',
  'depot:serve',
  'depot:service:install',
  'depot:service:remove',
  'depot:service:status',
];

/** What needs a machine that asks over the network: the suite of all stores holds their events. */
const OVER_THE_NETWORK = ['admin:enrol:approve', 'admin:enrol:refuse'];

describe('the history of a depot', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let places: Record<string, string>;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    const script = path.join(sandbox.dir, 'check.sh');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    const policy = path.join(sandbox.dir, 'policy.json');
    writeFileSync(policy, JSON.stringify({ steps: [{ kind: 'wait', args: { seconds: 0 } }] }));
    const machine = sandbox.machine('mac-a');
    await machine.sync();
    const id = machine.reading((state) => state.computerId()) as string;
    const source = await sandbox.package('t', { 'opt/t': 'x' });
    const munki = new MunkiRepository(path.join(sandbox.dir, 'munki'));
    munki.item('Munkitool', '1', source);
    places = { SOURCE: source, SCRIPT: script, POLICY: policy, COMPUTER: id, MUNKI: munki.dir };
  });
  afterEach(() => sandbox.remove());

  const put = (word: string) => places[word] ?? word;

  async function ran(lines: readonly (readonly string[])[]): Promise<string[]> {
    const env = { D3_DEPOT: sandbox.depot, USER: 'setter', XDG_CONFIG_HOME: sandbox.dir };
    const ends = await linesOf(
      lines.map((line) => ({ argv: line.map(put), env })),
      sandbox.dir,
    );
    for (const [at, { code, stdout, stderr }] of ends.entries())
      expect(code, `${lines[at]?.join(' ')}: ${stderr || stdout}`).to.equal(0);
    return ends.map(({ stdout }) => stdout);
  }

  it('knows every command there is under admin and depot', () => {
    const { commands } = JSON.parse(readFileSync(`${repository}oclif.manifest.json`, 'utf8')) as { commands: object };
    const there = Object.keys(commands).filter((id) => /^(?:admin|depot):/.test(id));
    const told = [...Object.keys(CHANGING), ...Object.keys(LOOKING), ...ELSEWHERE, ...OVER_THE_NETWORK];
    expect(told.toSorted()).to.deep.equal(there.toSorted());
  });

  it('has who, when and what of every change, of each changing command', async () => {
    const { sha256 } = await sandbox.admin(({ depot }) => depot.blobs.put(Buffer.from('nobody needs this')));
    const unneeded = path.join(sandbox.depot, 'blobs', sha256.slice(0, 2), sha256);
    utimesSync(unneeded, new Date(0), new Date(0));
    const begun = new Date().toISOString();
    const entries = Object.entries(CHANGING);
    const by = (id: string) => `by-${id.replaceAll(':', '-')}`;
    await ran(entries.flatMap(([id, { before = [], line }]) => [...before, [...line, '--admin', by(id)]]));
    const told = await ran(
      entries.flatMap(([id]) => [
        ['admin', 'history', '--who', by(id), '--json'],
        ['admin', 'history', '--who', by(id)],
      ]),
    );
    const ended = new Date().toISOString();
    for (const [at, [id, { what, target }]] of entries.entries()) {
      const { events } = JSON.parse(told[at * 2] as string).result as History;
      expect(
        events.map((event) => [event.what, event.by, event.target.name]),
        id,
      ).to.deep.include([what, by(id), put(target)]);
      for (const { at: time } of events) expect(time >= begun && time <= ended, `${id} at ${time}`).to.equal(true);
      expect(told[at * 2 + 1], id)
        .to.include(by(id))
        .and.include(events[0]?.at.slice(0, 16).replace('T', ' '));
    }
    // An edition's, from its beginning, whoever did it; and what it was called once is found too.
    const [edition, group] = await ran([
      ['admin', 'history', 'tool-1-1', '--json'],
      ['admin', 'history', 'GROUP-1', '--json'],
    ]);
    expect((await ran([['admin', 'history', 'tool']]))[0]).to.include('status of tool-1-1: pilot => live');
    const whats = (text: string | undefined) =>
      (JSON.parse(text as string).result as History).events.map(({ what }) => what);
    expect(whats(edition)).to.deep.equal(
      ['added', 'edited', 'live', 'unlive', 'archived', 'restored'].map((word) => `edition.${word}`),
    );
    expect(whats(group)).to.deep.equal(['document.created', 'document.changed', 'document.removed']);
  });

  it('has nothing of commands that only look, nor of what was only rehearsed or was so already', async () => {
    await sandbox.machine('mac-b').sync();
    await ran([
      ...['category', 'department', 'building', 'site', 'ea', 'group'].map((kind) => [
        'admin',
        kind,
        'add',
        `kept-${kind}`,
      ]),
      ['admin', 'script', 'add', 'SCRIPT', '--name', 'kept-script'],
      ['admin', 'policy', 'add', 'kept-policy', '--file', 'POLICY'],
      ['admin', 'add', 'kept', '-v', '1', '-s', 'SOURCE'],
    ]);
    const all = () => sandbox.admin((session) => session.depot.store.history.list());
    const before = await all();
    await ran(Object.values(LOOKING));
    await ran([
      ['admin', 'edit', 'kept-1-1', '-v', '1'],
      ['admin', 'edit', 'kept-1-1', '-d', 'other', '--dry-run'],
      ['admin', 'live', 'kept-1-1', '--dry-run'],
      ['admin', 'import', 'munki', 'MUNKI', '--dry-run'],
      ['admin', 'delete', 'kept-1-1', '--dry-run'],
      ['admin', 'group', 'delete', 'kept-group', '--dry-run'],
      ['admin', 'group', 'edit', 'kept-group', '--name', 'kept-group'],
      ['admin', 'doctor', '--fix'],
    ]);
    expect(await all()).to.deep.equal(before);
  });

  it('finds what has other letters than English ones', async () => {
    await ran([['admin', 'group', 'add', 'Ärzte']]);
    expect((await ran([['admin', 'history', 'Ärzte']]))[0]).to.include('group Ärzte');
  });
});
