import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { repository } from '../cli/spawn.ts';
import { documentsBelow } from '../support/documents.ts';
import { Sandbox } from '../support/sandbox.ts';
import { breachOf } from '../support/schemas.ts';

/** What d3 only keeps to be faster: it is made anew instead of read by another version. */
const CACHES: readonly string[] = ['own-plugins@1', 'installed-plugins@1'];

describe('contracts', function () {
  this.timeout(300_000);

  it('every kind of document that the sources name has a schema', () => {
    const files = globSync(['src/**/*.ts', '{plugins,packages}/*/{src/**/*.ts,package.json}'], { cwd: repository });
    const named = files.flatMap((file) =>
      [...readFileSync(path.join(repository, file), 'utf8').matchAll(/["'`]d3\/([a-z][a-z-]*@\d+)/g)].map(
        ([, name]) => name as string,
      ),
    );
    const kinds = [...new Set(named)].filter((name) => !CACHES.includes(name)).toSorted();
    expect(kinds).to.include.members(['catalog@1', 'receipt@1', 'report@1', 'group@1', 'blueprint@1', 'edition@1']);
    const there = globSync('*.json', { cwd: path.join(repository, 'schemas/documents') });
    expect(kinds.filter((name) => !there.includes(`${name}.json`))).to.deep.equal([]);
  });

  it('depot3:D10 what a depot and a machine keep and send is as the schemas say, nothing besides', async () => {
    const sandbox = await Sandbox.make();
    try {
      const machine = sandbox.machine('mac-a');
      await sandbox.add('tool', '1', { live: true });
      await sandbox.add('tool', '2');
      await sandbox.add('later', '1', { live: true, reboot: 'y' });
      await machine.install(['tool', 'later', 'nothing']);
      await machine.pilot(['tool-2-1']);
      await machine.sync();
      await machine.uninstall(['tool']);
      await machine.install(['tool']);
      const found = documentsBelow(sandbox.dir);
      const kinds = [...new Set(found.map(({ schema }) => schema))];
      const wanted = 'catalog contents deferred edition facts plan receipt report run trust'.split(' ');
      expect(kinds).to.include.members(wanted.map((kind) => `${kind}@1`));
      const breaches = found.flatMap(({ schema, place, body }) => {
        const breach = breachOf(`documents/${schema}`, body);
        return breach === null ? [] : [`${place}: ${breach}`];
      });
      expect([...new Set(breaches)]).to.deep.equal([]);
    } finally {
      sandbox.remove();
    }
  });

  it('a document that says more, less or something else than its schema is told', () => {
    const contents = { schema: 'd3/contents@1', files: [{ path: 'a', type: 'file', size: 1 }] };
    expect(breachOf('documents/contents@1', contents)).to.equal(null);
    expect(breachOf('documents/contents@1', { ...contents, more: 1 })).to.include('additional properties');
    expect(breachOf('documents/contents@1', { schema: 'd3/contents@1' })).to.include('files');
    expect(breachOf('documents/contents@1', { ...contents, files: [{ path: 'a', type: 'pipe', size: 1 }] })).to.be.a(
      'string',
    );
    expect(breachOf('documents/contents@9', contents)).to.include('no schema');
  });
});
