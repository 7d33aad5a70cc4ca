import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { addEdition } from '../../src/admin/add.ts';
import { deleteEdition } from '../../src/admin/delete.ts';
import { addScript } from '../../src/admin/scripts.ts';
import type { AdminSession } from '../../src/admin/session.ts';
import { MAX_REVISION } from '../../src/catalog/names.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('the files of a depot', () => {
  let sandbox: Sandbox;
  let source: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    source = await sandbox.package('tool', { 'opt/tool/version': '1' });
  });
  afterEach(() => sandbox.remove());

  const add = (session: AdminSession, basename: string) =>
    addEdition({ basename, typed: { version: '1' }, source, inherit: false }, session);
  const statuses = () =>
    sandbox.admin(async ({ depot }) =>
      (await depot.editionsWithDerivedStatus()).map(({ edition, status }) => `${edition} ${status}`),
    );
  const stored = () => sandbox.admin(async ({ depot }) => (await depot.blobs.list()).size);

  it('are stored before the edition: no failure to store one leaves an edition', async () => {
    await sandbox.admin(async (session) => {
      const { blobs, store } = session.depot;
      const put = blobs.put.bind(blobs);
      blobs.put = async (what) => {
        if ((await store.editions.list()).length > 0) throw new Error('the disk is full');
        return put(what);
      };
      await add(session, 'tool');
    });
    expect(await statuses()).to.deep.equal(['tool-1-1 pilot']);
  });

  it('are what was checked, though the source changes meanwhile', async () => {
    await sandbox.admin(async (session) => {
      const { blobs } = session.depot;
      const put = blobs.put.bind(blobs);
      blobs.put = async (what) => {
        if (what === source) writeFileSync(source, 'something else by now');
        return put(what);
      };
      const { exitCode, problems } = await problemsOf(add(session, 'tool'));
      expect([exitCode, problems[0]?.target]).to.deep.equal([33, source]);
    });
    expect([await statuses(), await stored()]).to.deep.equal([[], 0]);
  });

  it('are there for every edition, though another admin deletes the last that had one while it is added', async () => {
    const { edition } = await sandbox.addFile('first', '1', source);
    await sandbox.admin(async (session) => {
      const { editions } = session.depot.store;
      const insert = editions.insert.bind(editions);
      editions.insert = async (...given) => {
        await sandbox.admin((other) => deleteEdition(edition, {}, other));
        return insert(...given);
      };
      const { exitCode, problems } = await problemsOf(add(session, 'second'));
      expect([exitCode, problems[0]?.code]).to.deep.equal([41, 'BLOB_GONE']);
    });
    expect([await statuses(), await stored()]).to.deep.equal([[], 0]);
    await sandbox.admin((session) => add(session, 'second'));
    expect(await statuses()).to.deep.equal(['second-1-1 pilot']);
  });

  it('are there for every edition, though it is added while they are removed', async () => {
    const { edition } = await sandbox.addFile('first', '1', source);
    let adding: Promise<unknown> = Promise.resolve();
    await sandbox.admin((other) =>
      sandbox.admin(async (session) => {
        const { blobs } = session.depot;
        const remove = blobs.remove.bind(blobs);
        const removed: string[] = [];
        blobs.remove = async (hash) => {
          if (hash === edition.file.sha256) {
            const { id: _id, edition: _edition, status: _status, addedAt: _at, addedBy: _by, ...rest } = edition;
            const { releasedAt: _released, releasedBy: _releasedBy, ...added } = rest;
            const confirm = async () => {
              expect(removed).to.include(hash);
            };
            adding = other.depot.store.editions.insert({ ...added, basename: 'second' }, 'sally', confirm);
            await new Promise((resolve) => {
              setTimeout(resolve, 100);
            });
          }
          removed.push(hash);
          await remove(hash);
        };
        await deleteEdition(edition, {}, session);
        await adding;
      }),
    );
  });

  it('are there for a script that is added while the last with that content goes', async () => {
    const file = path.join(sandbox.dir, 'script.sh');
    writeFileSync(file, '#!/bin/sh\n');
    await sandbox.admin(async (session) => {
      const { blobs } = session.depot;
      const put = blobs.put.bind(blobs);
      let first = true;
      blobs.put = async (what) => {
        const info = await put(what);
        if (first) await blobs.remove(info.sha256);
        first = false;
        return info;
      };
      const made = await addScript('name', file, '', session);
      expect(await blobs.has(made.body.sha256)).to.equal(true);
    });
  });

  for (const [what, make, code] of [
    ['a pipe', (at: string) => execFileSync('mkfifo', [at]), 'SCRIPT_UNREADABLE'],
    ['a device', (at: string) => symlinkSync('/dev/zero', at), 'SCRIPT_UNREADABLE'],
    ['too large', (at: string) => writeFileSync(at, Buffer.alloc(4 * 1024 * 1024 + 1)), 'SCRIPT_TOO_LARGE'],
  ] as const) {
    it(`are no script that is ${what} (2)`, async () => {
      const at = path.join(sandbox.dir, 'script.sh');
      make(at);
      const { exitCode, problems } = await problemsOf(sandbox.admin((session) => addScript('name', at, '', session)));
      expect([exitCode, problems[0]?.code, problems[0]?.target]).to.deep.equal([2, code, at]);
    });
  }

  it('after the highest revision there is no next one: -r or -v has to say another (30)', async () => {
    await sandbox.addFile('tool', '1', source, { revision: String(MAX_REVISION) });
    const { exitCode, problems } = await problemsOf(sandbox.admin((session) => add(session, 'tool')));
    expect([exitCode, problems[0]?.code]).to.deep.equal([30, 'REVISION_HIGHEST']);
    expect(problems[0]?.actions.join()).to.match(/-r REVISION.*-v VERSION/);
    expect(await statuses()).to.deep.equal([`tool-1-${MAX_REVISION} pilot`]);
  });

  it('go with an edition only while it is what was agreed to', async () => {
    const { edition } = await sandbox.addFile('tool', '1', source);
    await sandbox.admin(async (session) => {
      const { editions } = session.depot.store;
      const remove = editions.delete.bind(editions);
      editions.delete = async (...given) => {
        await sandbox.live('tool-1-1');
        return remove(...given);
      };
      const { exitCode, problems } = await problemsOf(deleteEdition(edition, {}, session));
      expect([exitCode, problems[0]?.code]).to.deep.equal([30, 'DELETE_CONFLICT']);
    });
    expect(await statuses()).to.deep.equal(['tool-1-1 live']);
  });
});
