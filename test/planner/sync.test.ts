import { expect } from 'chai';
import { plan } from '../../src/planner/plan.ts';
import type { Facts } from '../../src/planner/types.ts';
import {
  AT,
  decision,
  decisions,
  deferred,
  edition,
  FROZEN,
  facts,
  indexOf,
  install,
  on,
  receipt,
  script,
  sync,
  told,
} from './fixtures.ts';

const deprecated = edition({ id: 1, status: 'deprecated' });
const live = edition({ id: 3 });
const pilot4 = edition({ id: 4, status: 'pilot' });
const all = [deprecated, live, pilot4];

type Changes = Parameters<typeof receipt>[1];
const has = (of: typeof live, changes: Changes = {}) => facts([receipt(of, changes)]);
const updating = (of: Facts): Facts => ({ ...of, settings: { ...of.settings, pilots: 'update' } });
const gone = edition({ id: 2 });

describe('force that was given for what is queued', () => {
  it('is not carried over to the edition that took its place in the meantime', () => {
    const [old, now] = [edition({ id: 1, status: 'deprecated', reboot: true }), edition({ id: 3, reboot: true })];
    const queued = (of: typeof old) => facts([], { deferred: [deferred(of, { force: true })] });
    const forced = ({ action }: ReturnType<typeof decision>) =>
      action?.kind === 'install' ? action.force : action?.kind === 'defer' ? action.deferred.force : null;
    expect(forced(decision(sync({ puppies: true }), queued(now), old, now))).to.equal(true);
    for (const puppies of [true, false]) {
      expect(forced(decision(sync({ puppies }), queued(old), old, now))).to.equal(false);
      const excluded = { ...now, excludedGroups: [1] };
      const made = decision(sync({ puppies }), on({ groups: [1] }, queued(old)), old, excluded);
      expect(told(made)).to.equal('held (QUEUED QUEUE_OUTDATED EXCLUDED)');
    }
  });
});

describe('d3 itself', () => {
  const running = edition({ id: 1, basename: 'd3', version: '2', status: 'deprecated' });
  const again = edition({ id: 2, basename: 'd3', version: '2', revision: 2 });
  const next = edition({ id: 3, basename: 'd3', version: '3' });

  it('is not overwritten by another revision of the version that runs, asked for or not, forced or not', () => {
    expect(told(decision(sync(), has(running), running, again))).to.equal(
      'blocked refused (LIVE_IS_NEWER OVER_ITSELF)',
    );
    for (const force of [false, true]) {
      const made = decision(install('d3', { force }), has(running), running, again);
      expect(told(made)).to.equal('refused refused (STATUS INSTALLED_OLDER OVER_ITSELF)');
    }
  });

  it('makes room for another version, and is repaired by the very edition that runs', () => {
    expect(told(decision(sync(), has(running), running, next))).to.equal('act update d3-3-1 (LIVE_IS_NEWER)');
    const made = decision(install('d3', { force: true }), has(again), running, again);
    expect(told(made)).to.include('act reinstall d3-2-2');
  });
});

describe('d3 sync of what is installed', () => {
  const PILOTING = { piloting: true };
  /** First seen to be gone at this very moment. */
  const LEFT_OVER = { goneSince: AT };
  const rows: [behaviour: string, of: Facts, is: string][] = [
    ['the live edition is as wanted', has(live), 'nothing (INSTALLED_SAME)'],
    ['an older one is updated', has(deprecated), 'act update foo-3.0-1 (LIVE_IS_NEWER)'],
    [
      'a newer one that is no pilot is rolled back',
      has(pilot4, { piloting: false }),
      'act rollback foo-3.0-1 (LIVE_IS_OLDER)',
    ],
    ['a frozen older one is held', has(deprecated, { frozen: FROZEN }), 'held (LIVE_IS_NEWER FROZEN)'],
    ['a frozen newer one is held', has(pilot4, { piloting: false, frozen: FROZEN }), 'held (LIVE_IS_OLDER FROZEN)'],
    ['a frozen live one is as wanted', has(live, { frozen: FROZEN }), 'nothing (INSTALLED_SAME)'],
    ['a pilot newer than the live one is held', has(pilot4), 'held (PILOTING)'],
    ['a pilot older than the live one is held', has(deprecated, PILOTING), 'held (PILOTING)'],
    [
      'sync.pilots update: a pilot older than the live one is updated',
      updating(has(deprecated, PILOTING)),
      'act update foo-3.0-1 (LIVE_IS_NEWER)',
    ],
    ['sync.pilots update: a pilot newer than the live one is held', updating(has(pilot4)), 'held (PILOTING)'],
    [
      'sync.pilots update: a frozen pilot is held',
      updating(has(deprecated, { ...PILOTING, frozen: FROZEN })),
      'held (LIVE_IS_NEWER FROZEN)',
    ],
    ['an edition gone from the depot is updated', has(gone), 'act update foo-3.0-1 (EDITION_GONE LIVE_IS_NEWER)'],
    ['a pilot gone from the depot is held', has(gone, { ...PILOTING, ...LEFT_OVER }), 'held (EDITION_GONE PILOTING)'],
  ];
  for (const [behaviour, of, is] of rows) {
    it(behaviour, () => expect(told(decision(sync(), of, ...all))).to.equal(is));
  }

  it('without a live edition all is as wanted, told with the pilots there are', () => {
    const made = decision(sync(), has(deprecated), deprecated, pilot4);
    expect(told(made)).to.equal('nothing (NO_LIVE_EDITION)');
    expect(made.reasons[0]?.data['pilots']).to.deep.equal(['foo-4.0-1']);
  });

  it('without a live edition a pilot is held, with sync.pilots update too', () => {
    for (const machine of [has(pilot4), updating(has(pilot4))]) {
      expect(told(decision(sync(), machine, pilot4))).to.equal('held (PILOTING)');
    }
  });

  it('depot3:G10 what is gone from the depot is left over for 90 days, then given up, after updates', () => {
    const nothing = 'nothing (EDITION_GONE NO_LIVE_EDITION)';
    const marked = 'act refresh foo-2.0-1 (EDITION_GONE LEFT_OVER)';
    expect(decisions(sync(), has(gone)).map(told)).to.deep.equal([nothing, marked]);
    const since = (goneSince: string, changes = {}) => has(gone, { goneSince, ...changes });
    expect(told(decision(sync(), since('2029-10-03T00:00:00.001Z')))).to.equal(nothing);
    const over = since('2029-10-03T00:00:00.000Z');
    expect(told(decision(sync(), over))).to.equal('act forget foo-2.0-1 (EDITION_GONE LEFTOVER_ENDS)');
    expect(told(decision(sync(), over, ...all)), 'an update comes first').to.equal(
      'act update foo-3.0-1 (EDITION_GONE LIVE_IS_NEWER)',
    );
    expect(told(decision(sync(), since(over.at, { goneSince: '2000-01-01T00:00:00.000Z', frozen: FROZEN })))).to.equal(
      nothing,
    );
    expect(told(decision(sync(), since('2000-01-01T00:00:00.000Z', PILOTING))), 'a pilot stays').to.equal(
      'held (EDITION_GONE PILOTING)',
    );
  });

  it('what is in the depot again is left over no more', () => {
    const made = decisions(sync(), has(live, LEFT_OVER), ...all);
    expect(made.map(told)).to.deep.equal(['act refresh foo-3.0-1 (EDITION_BACK)', 'nothing (INSTALLED_SAME)']);
    expect(made[0]?.action).to.deep.include({ changes: { goneSince: null } });
  });

  it('an id that is now another basename’s is gone, and nothing of that is taken over', () => {
    const stranger = edition({ id: 2, basename: 'bar', removable: false });
    expect(told(decision(sync(), has(gone, LEFT_OVER), stranger))).to.equal('nothing (EDITION_GONE NO_LIVE_EDITION)');
  });

  it('depot3:BUG-10 the receipt of 7zip-19-1 that is gone is not refreshed with the data of id 7', () => {
    const seven = edition({ id: 7, basename: 'seven', removable: false });
    const zip = receipt(edition({ id: 19, basename: '7zip-19', version: '1' }), LEFT_OVER);
    expect(told(decision(sync(), facts([zip]), seven))).to.equal('nothing (EDITION_GONE NO_LIVE_EDITION)');
  });

  it('an update keeps the admin, whether a person asked, and the custom expiration', () => {
    const of = has(deprecated, { admin: 'paul', manual: false, customExpiration: 7, expiration: 7 });
    expect(decision(sync({ force: true }), of, ...all).action).to.deep.include({
      mode: 'update',
      replaces: of.receipts[0],
      admin: 'paul',
      manual: false,
      customExpiration: 7,
      piloting: false,
      displacedLive: false,
      freeze: false,
      force: true,
    });
  });

  it('an update to what cannot be removed drops the custom expiration', () => {
    const of = has(deprecated, { customExpiration: 7, expiration: 7 });
    const lasting = edition({ id: 3, removable: false });
    expect(decision(sync(), of, deprecated, lasting).action).to.deep.include({ customExpiration: null });
  });

  it('removes first where the live edition says so and the receipt may be removed', () => {
    const removing = edition({ id: 3, removeFirst: true });
    expect(decision(sync(), has(gone), removing).action).to.deep.include({ removeFirst: true });
    expect(decision(sync(), has(gone, { removable: false }), removing).action).to.deep.include({ removeFirst: false });
  });
});

describe('d3 sync: what stands against an update or an auto-install', () => {
  const busy = on({ groups: [1], processes: ['Safari'] }, facts());
  const dumb = facts([], { scriptRunners: [] });
  const rows: [behaviour: string, changes: Parameters<typeof edition>[0], of: Facts, is: string, lifted: boolean][] = [
    ['a wrong OS holds it', { oses: ['10.9.x'] }, busy, 'held WRONG_OS', false],
    ['a wrong CPU holds it', { cpu: 'x86_64' }, busy, 'held WRONG_CPU', false],
    ['an excluded group holds it', { excludedGroups: [1] }, busy, 'held EXCLUDED', true],
    ['a prohibiting process holds it', { prohibitingProcesses: ['Safari'] }, busy, 'held PROCESS_RUNNING', true],
    ['a capability d3 lacks blocks it', { requires: ['future'] }, busy, 'blocked NEEDS_NEWER_D3', false],
    ['a script nobody runs blocks it', { preInstall: script(1) }, dumb, 'blocked SCRIPTS_UNANSWERED', false],
    [
      'what blocks it wins over what holds it',
      { prohibitingProcesses: ['Safari'], postInstall: script(1) },
      on({ processes: ['Safari'] }, dumb),
      'blocked PROCESS_RUNNING SCRIPTS_UNANSWERED',
      false,
    ],
  ];
  for (const [behaviour, changes, machine, is, lifted] of rows) {
    const [verdict = '', ...codes] = is.split(' ');
    const counted = verdict === 'blocked' ? 'blocked refused' : 'held';
    const wanted = edition({ id: 3, autoGroups: ['standard'], ...changes });
    const older = { ...machine, receipts: [receipt(deprecated)] };

    it(`${behaviour}, and force ${lifted ? 'lifts' : 'does not lift'} that`, () => {
      expect(told(decision(sync(), older, deprecated, wanted))).to.equal(
        `${counted} (LIVE_IS_NEWER ${codes.join(' ')})`,
      );
      expect(told(decision(sync(), machine, wanted))).to.equal(`${counted} (STANDARD ${codes.join(' ')})`);
      for (const here of [older, machine]) {
        expect(decision(sync({ force: true }), here, deprecated, wanted).verdict).to.equal(lifted ? 'act' : verdict);
      }
    });
  }

  it('depot3:B27 what is to fill user templates is kept back where d3 cannot do that, and never installed without', () => {
    const filling = edition({
      id: 3,
      autoGroups: ['standard'],
      requires: ['fill-user-template', 'fill-existing-users'],
    });
    for (const request of [sync(), sync({ force: true, puppies: true })]) {
      const made = decision(request, facts(), filling);
      expect(told(made)).to.equal('blocked refused (STANDARD NEEDS_NEWER_D3)');
      expect(made.reasons.at(-1)?.data['capabilities']).to.deep.equal(['fill-user-template', 'fill-existing-users']);
    }
  });

  it('depot3:I01 what needs a restart is queued, -p installs it', () => {
    const rebooting = edition({ id: 3, reboot: true });
    expect(told(decision(sync(), has(deprecated), deprecated, rebooting))).to.equal(
      'act defer foo-3.0-1 (LIVE_IS_NEWER NEEDS_RESTART)',
    );
    expect(decision(sync({ puppies: true }), has(deprecated), rebooting).verdict).to.equal('act');
  });

  it('what blocks it is the problem, with what to do', () => {
    const wanted = edition({ id: 3, autoGroups: ['standard'], reboot: true, postInstall: script(1) });
    expect(decision(sync(), dumb, wanted).problem).to.deep.equal({
      code: 'SCRIPTS_UNANSWERED',
      exit: 'refused',
      actions: [
        'run d3 with its scripts plugin, so not in safe mode',
        'or leave the script off: d3admin edit foo-3.0-1 -e none',
      ],
    });
  });

  it('the removal’s scripts count as the depot has them now', () => {
    const scripted = edition({ id: 1, status: 'deprecated', preRemove: script(1) });
    const removing = edition({ id: 3, removeFirst: true });
    const made = decisions(sync(), { ...dumb, receipts: [receipt(deprecated)] }, scripted, removing);
    expect(made.map(told)).to.deep.equal([
      'act refresh foo-1.0-1 (CHANGED_IN_DEPOT)',
      'blocked refused (LIVE_IS_NEWER SCRIPTS_UNANSWERED)',
    ]);
  });

  it('one blocked basename does not stop the others', () => {
    const blocked = edition({ id: 3, autoGroups: ['standard'], preInstall: script(1) });
    const fine = edition({ id: 5, basename: 'bar', autoGroups: ['standard'] });
    expect(decisions(sync(), dumb, blocked, fine).map((one) => one.verdict)).to.deep.equal(['blocked', 'act']);
  });
});

describe('d3 sync: receipts follow the depot', () => {
  it('a pilot whose very edition went live is enlivened, and nothing is installed', () => {
    const of = has(live, { piloting: true, displacedLive: true });
    const [refresh, after, ...more] = decisions(sync(), of, ...all);
    expect(refresh?.action).to.deep.equal({
      kind: 'refresh',
      basename: 'foo',
      edition: 'foo-3.0-1',
      changes: { piloting: false },
    });
    expect(after?.verdict).to.equal('nothing');
    expect(more).to.deep.equal([]);
  });

  it('a pilot that was skipped or deprecated stays a pilot', () => {
    for (const status of ['skipped', 'deprecated', 'missing'] as const) {
      const passed = edition({ id: 2, status });
      const of = has(passed, { piloting: true });
      expect(decisions(sync(), of, passed, live).map(told), status).to.deep.equal(['held (PILOTING)']);
    }
  });

  it('one that is no pilot does not become one by a rollback', () => {
    const back = edition({ id: 4, status: 'pilot' });
    expect(decisions(sync(), has(back, { piloting: false }), live, back).map(told)).to.deep.equal([
      'act rollback foo-3.0-1 (LIVE_IS_OLDER)',
    ]);
  });

  const fields: [field: string, changes: Parameters<typeof edition>[0], taken: Changes][] = [
    ['version and edition', { version: '3.1' }, { version: '3.1', edition: 'foo-3.1-1' }],
    ['revision and edition', { revision: 2 }, { revision: 2, edition: 'foo-3.0-2' }],
    ['removable', { removable: false }, { removable: false }],
    ['expiration', { expiration: 30 }, { expiration: 30 }],
    ['expiration paths', { expirationPaths: ['/a'] }, { expirationPaths: ['/a'] }],
    ['prohibiting processes', { prohibitingProcesses: ['Safari'] }, { prohibitingProcesses: ['Safari'] }],
    ['pre-remove script', { preRemove: script(1) }, { preRemove: script(1) }],
    ['post-remove script', { postRemove: script(1) }, { postRemove: script(1) }],
  ];
  for (const [field, changes, taken] of fields) {
    it(`${field} changed in the depot: the receipt takes just that over`, () => {
      const changed = edition({ id: 3, ...changes });
      const [refresh] = decisions(sync(), has(live), changed);
      expect(refresh?.action).to.deep.equal({ kind: 'refresh', basename: 'foo', edition: 'foo-3.0-1', changes: taken });
      expect(refresh?.reasons[0]?.data['fields']).to.have.members(Object.keys(taken ?? {}));
    });
  }

  it('groups, restart, install scripts and remove-first are not in receipts: nothing to take over', () => {
    const changed = edition({ id: 3, autoGroups: [2], reboot: true, preInstall: script(1), removeFirst: true });
    expect(decisions(sync(), has(live), changed).map(told)).to.deep.equal(['nothing (INSTALLED_SAME)']);
  });

  it('a custom expiration outlives a change of the edition’s, but not of its being removable', () => {
    const custom = has(live, { customExpiration: 7, expiration: 7 });
    expect(decisions(sync(), custom, edition({ id: 3, expiration: 30 }))).to.have.length(1);
    const [refresh] = decisions(sync(), custom, edition({ id: 3, removable: false }));
    expect(refresh?.action).to.deep.include({ changes: { removable: false, expiration: 0 } });
  });

  it('frozen and pilot receipts follow too', () => {
    const changed = edition({ id: 4, status: 'pilot', removable: false });
    const of = has(pilot4, { frozen: FROZEN });
    expect(decisions(sync(), of, changed).map(told)).to.deep.equal([
      'act refresh foo-4.0-1 (CHANGED_IN_DEPOT)',
      'held (PILOTING)',
    ]);
  });

  it('an update replaces the receipt as it is after the refresh', () => {
    const changed = edition({ id: 1, status: 'deprecated', removable: false });
    const [, update] = decisions(sync(), has(deprecated), changed, edition({ id: 3, removeFirst: true }));
    expect(update?.action).to.deep.include({ kind: 'install', removeFirst: false });
    expect(update?.action?.kind === 'install' && update.action.replaces?.removable).to.equal(false);
  });
});

describe('d3 sync: auto-installs', () => {
  const auto = (changes: Parameters<typeof edition>[0] = {}) => edition({ id: 3, autoGroups: [1, 2, 99], ...changes });
  const member = on({ groups: [2, 5] }, facts());

  it('installs what is live for a group of this machine, told by the names of just those groups', () => {
    const made = decision(sync(), member, auto());
    expect(told(made)).to.equal('act auto-install foo-3.0-1 (AUTO_GROUP)');
    expect(made.reasons[0]?.data['groups']).to.deep.equal(['lab']);
    expect(made.action).to.deep.include({
      admin: 'auto-installed',
      manual: false,
      piloting: false,
      replaces: null,
      removeFirst: false,
      customExpiration: null,
    });
  });

  it('installs what is standard on every machine', () => {
    expect(told(decision(sync(), facts(), auto({ autoGroups: ['standard'] })))).to.equal(
      'act auto-install foo-3.0-1 (STANDARD)',
    );
  });

  const passedOver: [behaviour: string, of: Facts, changes: Parameters<typeof edition>[0]][] = [
    ['of other groups', on({ groups: [5] }, facts()), {}],
    ['of no group', member, { autoGroups: [] }],
    ['that are pilots', member, { status: 'pilot' }],
    ['that are deprecated', member, { status: 'deprecated' }],
    ['that are missing', member, { status: 'missing' }],
  ];
  for (const [behaviour, of, changes] of passedOver) {
    it(`passes over editions ${behaviour}`, () => expect(decisions(sync(), of, auto(changes))).to.deep.equal([]));
  }

  it('a receipt of the basename, a pilot’s too, stands in the way', () => {
    const of = { ...member, receipts: [receipt(pilot4)] };
    expect(decisions(sync(), of, auto(), pilot4).map(told)).to.deep.equal(['held (PILOTING)']);
  });

  it('leaving the group uninstalls nothing', () => {
    const of = on({ groups: [] }, has(live));
    expect(decisions(sync(), of, auto()).map(told)).to.deep.equal(['nothing (INSTALLED_SAME)']);
  });

  it('updates come before auto-installs', () => {
    const bar = edition({ id: 2, basename: 'bar', autoGroups: ['standard'] });
    expect(decisions(sync(), has(deprecated), bar, live).map((one) => one.basename)).to.deep.equal(['foo', 'bar']);
  });
});

describe('a deleted group', () => {
  const scoped = edition({ id: 3, autoGroups: [1, 98], excludedGroups: [99] });
  const other = edition({ id: 4, basename: 'bar', autoGroups: ['standard'] });

  it('depot3:BUG-62 stops nothing: the plan only warns, once for each edition and group', () => {
    const made = plan(sync(), on({ groups: [1] }, facts()), indexOf(scoped, other));
    expect(made.decisions.map(told)).to.deep.equal([
      'act auto-install foo-3.0-1 (AUTO_GROUP)',
      'act auto-install bar-4.0-1 (STANDARD)',
    ]);
    expect(made.warnings).to.have.length(2);
    for (const [at, id] of ['98', '99'].entries()) {
      expect(made.warnings[at]).to.include('foo-3.0-1').and.to.include(`group ${id}`);
    }
  });

  it('depot3:BUG-62 of an edition that is not live is not worth a warning', () => {
    expect(plan(sync(), facts(), indexOf(edition({ status: 'pilot', autoGroups: [99] }))).warnings).to.deep.equal([]);
  });

  it('depot3:BUG-62 does not stop an install by name either', () => {
    expect(plan(install('foo'), facts(), indexOf(scoped)).decisions.map(told)).to.deep.equal([
      'act install foo-3.0-1 (STATUS REQUESTED)',
    ]);
  });
});

describe('a plan', () => {
  it('names its run and its schema', () => {
    expect(plan(sync(), facts(), indexOf())).to.deep.equal({
      schema: 'd3/plan@1',
      run: 'run-1',
      decisions: [],
      warnings: [],
    });
  });
});
