import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { editEdition } from '../../src/admin/edit.ts';
import { addGroup } from '../../src/admin/groups.ts';
import type { AdminSession } from '../../src/admin/session.ts';
import type { TypedAttributes } from '../../src/catalog/attributes.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3admin edit', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    await sandbox.add('transmogrifier', '2.5', { revision: '2' });
  });
  afterEach(() => sandbox.remove());

  const edit = (typed: TypedAttributes, target = 'transmogrifier-2.5-2') =>
    sandbox.admin((session) => editEdition(target, typed, session));
  const now = async () => (await sandbox.admin((session) => session.depot.store.editions.list()))[0];

  it('changes what is given and leaves the rest', async () => {
    const before = await now();
    const { edition, changed } = await edit({ description: 'better', reboot: 'y' });
    expect(changed.toSorted()).to.deep.equal(['description', 'reboot']);
    expect(edition).to.deep.equal({ ...before, description: 'better', reboot: true });
  });

  it('names every unknown group and script at once and changes nothing', async () => {
    await sandbox.admin((session) => addGroup('special-macs', '', [], session));
    const before = await now();
    const { problems, exitCode } = await problemsOf(
      edit({ excludedGroups: 'special-macs,other-macs', preInstall: '324', description: 'x' }),
    );
    expect(exitCode).to.equal(34);
    expect(problems.map((problem) => problem.message).join())
      .to.include('other-macs')
      .and.include('324');
    expect(await now()).to.deep.equal(before);
  });

  it('takes groups and a script by id, as the seed has it', async () => {
    for (const name of ['special-macs', 'other-macs'])
      await sandbox.admin((session) => addGroup(name, '', [], session));
    const file = path.join(sandbox.dir, 'gate');
    writeFileSync(file, '#!/bin/sh\n');
    const first = await edit({ preInstall: file });
    const id = first.edition.preInstall?.id;
    await edit({ preInstall: 'none' });
    const { edition } = await edit({ excludedGroups: 'special-macs,other-macs', preInstall: String(id) });
    expect(edition.excludedGroups).to.have.length(2);
    expect(edition.preInstall?.id).to.equal(id);
  });

  it('lets names follow a new version, and refuses one that is taken', async () => {
    const { edition } = await edit({ version: '2.6' });
    expect(edition).to.include({ edition: 'transmogrifier-2.6-2', packageName: 'transmogrifier-2.6-2' });
    expect(edition.file.name).to.equal('transmogrifier-2.6-2.pkg');
    await sandbox.add('transmogrifier', '2.7', { revision: '2' });
    const { problems } = await problemsOf(edit({ version: '2.7' }, 'transmogrifier-2.6-2'));
    expect(problems[0]?.code).to.equal('EDITION_EXISTS');
  });

  it('refuses an overlap with the list that was not given', async () => {
    await sandbox.admin((session) => addGroup('macs', '', [], session));
    await edit({ autoGroups: 'macs' });
    const { problems, exitCode } = await problemsOf(edit({ excludedGroups: 'macs' }));
    expect(problems[0]?.code).to.equal('GROUPS_OVERLAP');
    expect(exitCode).to.equal(30);
  });

  it('depot3:BUG-34 refuses taking the path away that an expiration watches', async () => {
    await edit({ expiration: '30', expirationPaths: '/opt/t' });
    const { problems } = await problemsOf(edit({ expirationPaths: 'n' }));
    expect(problems[0]?.code).to.equal('EXPIRATION_WITHOUT_PATH');
  });

  it('says that what expires comes back where it is auto-installed', async () => {
    const expires = { expiration: '30', expirationPaths: '/opt/t' };
    expect((await edit({ ...expires, autoGroups: 'n' })).warnings.join()).to.not.include('comes back');
    expect((await edit({ autoGroups: 'standard' })).warnings.join()).to.include('comes back with the next sync');
  });

  it('says when there is nothing to change, and leaves no script behind', async () => {
    const { changed } = await edit({ removable: 'yes', description: '' });
    expect(changed).to.deep.equal([]);
  });

  it('reaches machines at their next sync, with the receipt following a new version', async () => {
    await sandbox.live('transmogrifier-2.5-2');
    const machine = sandbox.machine('a');
    await machine.install(['transmogrifier']);
    await edit({ version: '2.6', removable: 'n' });
    await machine.sync();
    expect(machine.receipt('transmogrifier')).to.include({ edition: 'transmogrifier-2.6-2', removable: false });
    expect((await machine.sync()).outcomes.map((outcome) => outcome.status)).to.deep.equal(['nothing']);
  });

  it('that cannot be published stays taken in, with its script, and says so', async () => {
    const file = path.join(sandbox.dir, 'gate');
    writeFileSync(file, '#!/bin/sh\n');
    const failing = (session: AdminSession): AdminSession => ({
      ...session,
      depot: Object.assign(Object.create(session.depot) as typeof session.depot, {
        store: session.depot.store,
        blobs: session.depot.blobs,
        editionsWithDerivedStatus: () => session.depot.editionsWithDerivedStatus(),
        publish: async () => {
          throw new Error('the disk said no');
        },
      }),
    });
    const { problems } = await problemsOf(
      sandbox.admin((session) => editEdition('transmogrifier-2.5-2', { preInstall: file }, failing(session))),
    );
    expect(problems[0]?.code).to.equal('NOT_PUBLISHED');
    const edition = await now();
    const scripts = await sandbox.admin((session) => session.depot.store.documents('script').list());
    expect(scripts.map(({ id }) => id)).to.deep.equal([edition?.preInstall?.id]);
  });
});
