import { expect } from 'chai';
import type { Decision } from '../../src/planner/types.ts';
import {
  AT,
  decision,
  decisions,
  depilot,
  edition,
  FROZEN,
  facts,
  on,
  receipt,
  record,
  script,
  told,
  uninstall,
} from './fixtures.ts';

const live = edition({ id: 3, status: 'live' });
const pilot4 = edition({ id: 4, status: 'pilot' });
const both = [live, pilot4];

type Changes = Parameters<typeof receipt>[1];
const has = (of: typeof live, changes: Changes = {}) => facts([receipt(of, changes)]);

describe('d3 uninstall', () => {
  const rows: [behaviour: string, request: ReturnType<typeof uninstall>, of: ReturnType<typeof facts>, is: string][] = [
    ['removes what is installed', uninstall('foo'), has(live), 'act uninstall foo-3.0-1 (INSTALLED)'],
    ['takes an edition', uninstall('foo-3.0-1'), has(live), 'act uninstall foo-3.0-1 (INSTALLED)'],
    ['takes an id', uninstall('3'), has(live), 'act uninstall foo-3.0-1 (INSTALLED)'],
    [
      'an edition that is not the one here is not found',
      uninstall('foo-4.0-1'),
      has(live),
      'refused notFound (NOT_INSTALLED)',
    ],
    ['what is not installed is not found', uninstall('foo'), facts(), 'refused notFound (NOT_INSTALLED)'],
    ['a frozen one is removed', uninstall('foo'), has(live, { frozen: FROZEN }), 'act uninstall foo-3.0-1 (INSTALLED)'],
    ['a pilot is refused', uninstall('foo'), has(pilot4), 'refused refused (PILOTING)'],
    ['a pilot is refused with force', uninstall('foo', true), has(pilot4), 'refused refused (PILOTING)'],
    [
      'what is not removable is refused',
      uninstall('foo'),
      has(live, { removable: false }),
      'refused refused (NOT_REMOVABLE)',
    ],
    [
      'what is not removable is refused with force',
      uninstall('foo', true),
      has(live, { removable: false }),
      'refused refused (NOT_REMOVABLE)',
    ],
  ];
  for (const [behaviour, request, of, is] of rows) {
    it(behaviour, () => expect(told(decision(request, of, ...both))).to.equal(is));
  }

  it('refusing a pilot names depilot', () => {
    expect(decision(uninstall('foo'), has(pilot4)).problem?.actions).to.deep.equal([
      'take a pilot off with: d3 depilot foo',
    ]);
  });

  it('a prohibiting process refuses it, and force lifts that', () => {
    const of = on({ processes: ['Safari'] }, has(live, { prohibitingProcesses: ['Safari'] }));
    const plain = decision(uninstall('foo'), of);
    expect(told(plain)).to.equal('refused refused (PROCESS_RUNNING)');
    expect(plain.problem?.actions.join()).to.include('-f');
    expect(told(decision(uninstall('foo', true), of))).to.equal('act uninstall foo-3.0-1 (INSTALLED)');
  });

  it('depot3:BUG-14 a running process does not stop the other targets', () => {
    const busy = receipt(live, { prohibitingProcesses: ['Safari'] });
    const of = on({ processes: ['Safari'] }, facts([busy, receipt(edition({ id: 9, basename: 'bar' }))]));
    expect(decisions(uninstall(['foo', 'nix', 'bar']), of).map((one) => one.verdict)).to.deep.equal([
      'refused',
      'refused',
      'act',
    ]);
  });

  for (const slot of ['preRemove', 'postRemove'] as const) {
    it(`a ${slot} script nobody runs refuses it, with force too`, () => {
      const of = facts([receipt(live, { [slot]: script(1) })], { scriptRunners: [] });
      for (const force of [false, true]) {
        expect(told(decision(uninstall('foo', force), of))).to.equal('refused refused (SCRIPTS_UNANSWERED)');
      }
      expect(decision(uninstall('foo'), { ...of, scriptRunners: ['scripts'] }).verdict).to.equal('act');
    });
  }

  it('needs no catalog', () => expect(decision(uninstall('foo'), has(live)).verdict).to.equal('act'));

  it('a refused target named twice is refused twice', () => {
    const of = has(live, { removable: false });
    expect(decisions(uninstall(['foo', 'foo']), of).map((one) => one.verdict)).to.deep.equal(['refused', 'refused']);
  });
});

describe('d3 depilot', () => {
  const overLive = { piloting: true, displacedLive: true };
  const rows: [behaviour: string, request: ReturnType<typeof depilot>, of: ReturnType<typeof facts>, is: string][] = [
    [
      'puts the live edition back where one stood',
      depilot('foo'),
      has(pilot4, overLive),
      'act put-back foo-3.0-1 (PILOTING PUTS_BACK_LIVE)',
    ],
    [
      'takes an edition too',
      depilot('foo-4.0-1'),
      has(pilot4, overLive),
      'act put-back foo-3.0-1 (PILOTING PUTS_BACK_LIVE)',
    ],
    [
      'leaves it off when asked',
      depilot('foo', { leaveOff: true }),
      has(pilot4, overLive),
      'act depilot foo-4.0-1 (PILOTING LEAVES_OFF)',
    ],
    [
      'puts nothing back where nothing stood',
      depilot('foo'),
      has(pilot4),
      'act depilot foo-4.0-1 (PILOTING NOTHING_TO_PUT_BACK)',
    ],
    ['what is no pilot is refused', depilot('foo'), has(live), 'refused refused (NOT_PILOTING)'],
    ['what is not installed is not found', depilot('foo'), facts(), 'refused notFound (NOT_INSTALLED)'],
    [
      'another edition than the one here is not found',
      depilot('foo-3.0-1'),
      has(pilot4),
      'refused notFound (NOT_INSTALLED)',
    ],
    [
      'what is not removable is refused',
      depilot('foo', { force: true }),
      has(pilot4, { ...overLive, removable: false }),
      'refused refused (PILOTING NOT_REMOVABLE)',
    ],
    [
      'a pilot that went live where one stood only has its record changed',
      depilot('foo'),
      has(live, overLive),
      'act refresh foo-3.0-1 (PILOTING ENLIVENED)',
    ],
    [
      'that is so when it is not removable',
      depilot('foo'),
      has(live, { ...overLive, removable: false }),
      'act refresh foo-3.0-1 (PILOTING ENLIVENED)',
    ],
    [
      'a pilot that went live where nothing stood comes off',
      depilot('foo'),
      has(live, { piloting: true }),
      'act depilot foo-3.0-1 (PILOTING NOTHING_TO_PUT_BACK)',
    ],
    [
      'a pilot that went live is left off when asked',
      depilot('foo', { leaveOff: true }),
      has(live, overLive),
      'act depilot foo-3.0-1 (PILOTING LEAVES_OFF)',
    ],
    [
      'a pilot whose edition was skipped meanwhile still comes off',
      depilot('foo'),
      has(edition({ id: 2, status: 'skipped' }), overLive),
      'act put-back foo-3.0-1 (PILOTING PUTS_BACK_LIVE)',
    ],
  ];
  for (const [behaviour, request, of, is] of rows) {
    it(behaviour, () => expect(told(decision(request, of, ...both))).to.equal(is));
  }

  it('where one stood that is live no more, comes off and says that none is live', () => {
    const made = decision(depilot('foo'), has(pilot4, overLive), pilot4);
    expect(told(made)).to.equal('act depilot foo-4.0-1 (PILOTING NO_LIVE_EDITION)');
  });

  it('refusing what is no pilot names uninstall', () => {
    expect(decision(depilot('foo'), has(live), live).problem?.actions).to.deep.equal([
      'to remove it: d3 uninstall foo',
    ]);
  });

  it('puts back in place of the pilot, removing it first, for the admin of the receipt and not as a pilot', () => {
    const of = has(pilot4, { ...overLive, admin: 'paul', manual: false, customExpiration: 7, frozen: FROZEN });
    const { action, edition: about } = decision(depilot('foo'), of, ...both);
    expect(about).to.equal('foo-3.0-1');
    expect(action).to.deep.include({
      mode: 'put-back',
      edition: live,
      replaces: of.receipts[0],
      removeFirst: true,
      piloting: false,
      displacedLive: false,
      admin: 'paul',
      manual: false,
      customExpiration: 7,
      freeze: false,
    });
  });

  it('puts back without the custom expiration what cannot be removed', () => {
    const lasting = edition({ id: 3, removable: false });
    const { action } = decision(depilot('foo'), has(pilot4, { ...overLive, customExpiration: 7 }), lasting, pilot4);
    expect(action).to.deep.include({ mode: 'put-back', customExpiration: null });
  });

  it('refuses before anything is removed when the live edition cannot be put back, naming --leave-off', () => {
    const wrong = edition({ id: 3, oses: ['10.9.x'] });
    const made = decision(depilot('foo'), has(pilot4, overLive), wrong, pilot4);
    expect(told(made)).to.equal('refused refused (PILOTING PUTS_BACK_LIVE WRONG_OS)');
    expect(made.problem?.actions).to.deep.equal(['or leave it off: d3 depilot foo --leave-off']);
    expect(decision(depilot('foo', { leaveOff: true }), has(pilot4, overLive), wrong).verdict).to.equal('act');
  });

  it('an exclusion from the live edition refuses it, naming -f as well, and force lifts that', () => {
    const excluded = edition({ id: 3, excludedGroups: [1] });
    const of = on({ groups: [1] }, has(pilot4, overLive));
    const made = decision(depilot('foo'), of, excluded, pilot4);
    expect(told(made)).to.equal('refused refused (PILOTING PUTS_BACK_LIVE EXCLUDED)');
    expect(made.problem?.actions).to.deep.equal([
      'use -f to do it all the same',
      'or leave it off: d3 depilot foo --leave-off',
    ]);
    expect(decision(depilot('foo', { force: true }), of, excluded, pilot4).verdict).to.equal('act');
  });

  it('a prohibiting process of the pilot refuses it, and force lifts that', () => {
    const of = on({ processes: ['Safari'] }, has(pilot4, { ...overLive, prohibitingProcesses: ['Safari'] }));
    expect(told(decision(depilot('foo'), of, ...both))).to.equal('refused refused (PILOTING PROCESS_RUNNING)');
    expect(decision(depilot('foo', { force: true }), of, ...both).verdict).to.equal('act');
  });
});

describe('d3 freeze, thaw and forget', () => {
  const frozen = has(live, { frozen: FROZEN });
  const rows: [behaviour: string, request: ReturnType<typeof record>, of: ReturnType<typeof facts>, is: string][] = [
    ['freeze freezes', record('freeze', 'foo'), has(live), 'act refresh foo-3.0-1 (REQUESTED)'],
    ['freeze takes an edition', record('freeze', 'foo-3.0-1'), has(live), 'act refresh foo-3.0-1 (REQUESTED)'],
    ['freeze of what is frozen is nothing to do', record('freeze', 'foo'), frozen, 'nothing (ALREADY_FROZEN)'],
    ['freeze of a pilot freezes', record('freeze', 'foo'), has(pilot4), 'act refresh foo-4.0-1 (REQUESTED)'],
    ['thaw thaws', record('thaw', 'foo'), frozen, 'act refresh foo-3.0-1 (FROZEN)'],
    ['thaw of what is not frozen is nothing to do', record('thaw', 'foo'), has(live), 'nothing (NOT_FROZEN)'],
    ['forget forgets', record('forget', 'foo'), has(live), 'act forget foo-3.0-1 (INSTALLED)'],
    ['forget forgets a pilot', record('forget', 'foo'), has(pilot4), 'act forget foo-4.0-1 (INSTALLED)'],
    [
      'forget forgets what is not removable',
      record('forget', 'foo'),
      has(live, { removable: false }),
      'act forget foo-3.0-1 (INSTALLED)',
    ],
  ];
  for (const [behaviour, request, of, is] of rows) {
    it(behaviour, () => expect(told(decision(request, of))).to.equal(is));
  }

  it('freeze records who and when, thaw clears it', () => {
    expect(decision(record('freeze', 'foo'), has(live)).action).to.deep.include({
      changes: { frozen: { by: 'amy', at: AT }, thawed: null },
    });
    expect(decision(record('thaw', 'foo'), frozen).action).to.deep.include({
      changes: { frozen: null, thawed: { by: 'amy', at: AT } },
    });
  });

  for (const kind of ['freeze', 'thaw', 'forget'] as const) {
    it(`depot3:BUG-17 ${kind} of an unknown basename is not found, and the other targets go on`, () => {
      const made = decisions(record(kind, 'nix', 'foo'), kind === 'thaw' ? frozen : has(live), live);
      expect(told(made[0] as Decision)).to.equal('refused notFound (NOT_INSTALLED)');
      expect(made[0]?.problem?.actions.join()).to.include('d3 list-installed');
      expect(made[1]?.verdict).to.equal('act');
    });
  }

  it('depot3:BUG-18 forget takes a receipt that lists no Apple packages', () => {
    const { applePackageIds: _, ...without } = receipt(live);
    expect(told(decision(record('forget', 'foo'), facts([without])))).to.equal('act forget foo-3.0-1 (INSTALLED)');
  });
});
