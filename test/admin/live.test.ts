import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { deleteEdition } from '../../src/admin/delete.ts';
import { makeLive, proposeLive } from '../../src/admin/live.ts';
import { editionInfo, showEditions } from '../../src/admin/show.ts';
import { editionMeant } from '../../src/admin/targets.ts';
import type { Showable } from '../../src/catalog/statuses.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3admin live, delete, show and info', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    for (const version of ['1', '2', '3']) await sandbox.add('transmogrifier', version);
  });
  afterEach(() => sandbox.remove());

  const show = async (which: Showable = 'all') =>
    (await sandbox.admin((session) => showEditions(which, [], session))).map(
      ({ edition, status }) => `${edition} ${status}`,
    );
  const remove = (edition: string, archive = false) =>
    sandbox.admin(async (session) => deleteEdition(await editionMeant(edition, session), { archive }, session));

  it('makes an edition live with its effects on the others', async () => {
    await sandbox.live('transmogrifier-1-1');
    const proposal = await sandbox.admin((session) => proposeLive('transmogrifier-3-1', session));
    expect(proposal.rollback).to.equal(false);
    expect(proposal.effects).to.deep.equal([
      { edition: 'transmogrifier-1-1', from: 'live', to: 'deprecated' },
      { edition: 'transmogrifier-2-1', from: 'pilot', to: 'skipped' },
      { edition: 'transmogrifier-3-1', from: 'pilot', to: 'live' },
    ]);
    expect(await show('live'), 'a proposal changes nothing').to.deep.equal(['transmogrifier-1-1 live']);
    await sandbox.live('transmogrifier-3-1');
    expect(await show()).to.deep.equal([
      'transmogrifier-1-1 deprecated',
      'transmogrifier-2-1 skipped',
      'transmogrifier-3-1 live',
    ]);
  });

  it('knows a rollback, after which the newer one is a pilot again', async () => {
    await sandbox.live('transmogrifier-2-1');
    const proposal = await sandbox.admin((session) => proposeLive('transmogrifier-1-1', session));
    expect(proposal.rollback).to.equal(true);
    await sandbox.live('transmogrifier-1-1');
    expect(await show()).to.deep.equal([
      'transmogrifier-1-1 live',
      'transmogrifier-2-1 pilot',
      'transmogrifier-3-1 pilot',
    ]);
  });

  it('depot3:BUG-56 refuses when another admin was faster, and nothing is half done', async () => {
    const slow = await sandbox.admin((session) => proposeLive('transmogrifier-2-1', session));
    await sandbox.live('transmogrifier-3-1');
    const { problems, exitCode } = await problemsOf(sandbox.admin((session) => makeLive(slow, session)));
    expect(problems[0]?.code).to.equal('LIVE_CONFLICT');
    expect(exitCode).to.equal(30);
    expect(await show()).to.deep.equal([
      'transmogrifier-1-1 skipped',
      'transmogrifier-2-1 skipped',
      'transmogrifier-3-1 live',
    ]);
  });

  it('refuses an edition whose file is gone, by name, and shows it as missing', async () => {
    const { edition } = await sandbox.admin((session) => editionInfo('transmogrifier-2-1', session));
    rmSync(path.join(sandbox.depot, 'blobs', edition.file.sha256.slice(0, 2), edition.file.sha256));
    expect(await show('missing')).to.deep.equal(['transmogrifier-2-1 missing']);
    const { problems } = await problemsOf(sandbox.admin((session) => proposeLive('transmogrifier-2-1', session)));
    expect(problems[0]?.message).to.include('transmogrifier-2-1');
  });

  it('deletes, archives, and keeps a file that another edition has too', async () => {
    await sandbox.live('transmogrifier-1-1');
    const machine = sandbox.machine('a');
    await machine.install(['transmogrifier']);
    const gone = await remove('transmogrifier-2-1');
    expect(gone.fileRemoved).to.equal(true);
    await remove('transmogrifier-1-1', true);
    expect(await show()).to.deep.equal(['transmogrifier-3-1 pilot']);
    expect(await show('archived')).to.deep.equal(['transmogrifier-1-1 archived']);
    await machine.sync();
    expect(machine.tree().join(), 'machines keep what they have').to.include('opt/transmogrifier/version 1');
    expect(machine.receipt('transmogrifier')?.edition).to.equal('transmogrifier-1-1');
  });

  it('finds editions by name, id, package name and file, a basename by its live edition, and says what there is', async () => {
    const meant = (target: string) => sandbox.admin((session) => editionMeant(target, session));
    expect((await meant('2')).edition).to.equal('transmogrifier-2-1');
    expect((await meant('transmogrifier-3-1.pkg')).edition).to.equal('transmogrifier-3-1');
    const { problems, exitCode } = await problemsOf(meant('transmogrifier'));
    expect(exitCode).to.equal(34);
    expect(problems[0]?.actions.join()).to.include('transmogrifier-3-1');
    await sandbox.live('transmogrifier-2-1');
    expect((await meant('transmogrifier')).edition).to.equal('transmogrifier-2-1');
    expect((await problemsOf(meant('3x'))).exitCode).to.equal(34);
  });
});
