import { expect } from 'chai';
import {
  AT,
  applied,
  decision,
  decisions,
  depilot,
  edition,
  FROZEN,
  facts,
  install,
  on,
  pilot,
  receipt,
  record,
  script,
  sync,
  told,
} from './fixtures.ts';

const deprecated = edition({ id: 1, status: 'deprecated' });
const skipped = edition({ id: 2, status: 'skipped' });
const live = edition({ id: 3, status: 'live' });
const pilot4 = edition({ id: 4, status: 'pilot' });
const pilot5 = edition({ id: 5, status: 'pilot' });
const missing = edition({ id: 6, status: 'missing' });
const onlyPilots = [
  edition({ id: 20, basename: 'bar', status: 'pilot' }),
  edition({ id: 21, basename: 'bar', status: 'pilot' }),
];
const all = [deprecated, skipped, live, pilot4, pilot5, missing, ...onlyPilots];

const has = (of: Parameters<typeof receipt>[0], changes: Parameters<typeof receipt>[1] = {}) =>
  facts([receipt(of, changes)]);
const F = { force: true };

describe('d3 install and d3 pilot', () => {
  const table: [
    behaviour: string,
    request: Parameters<typeof decision>[0],
    of: ReturnType<typeof facts>,
    is: string,
  ][] = [
    ['install BASENAME takes the live edition', install('foo'), facts(), 'act install foo-3.0-1 (STATUS REQUESTED)'],
    ['install BASENAME never pilots', install('bar'), facts(), 'refused notFound (NO_LIVE_EDITION)'],
    [
      'install BASENAME never pilots with force either',
      install('bar', F),
      facts(),
      'refused notFound (NO_LIVE_EDITION)',
    ],
    ['install EDITION of a pilot pilots', install('foo-4.0-1'), facts(), 'act pilot foo-4.0-1 (STATUS REQUESTED)'],
    ['install by id of a pilot pilots', install('4'), facts(), 'act pilot foo-4.0-1 (STATUS REQUESTED)'],
    [
      'install by file name finds its edition',
      install('foo-3.0-1.pkg'),
      facts(),
      'act install foo-3.0-1 (STATUS REQUESTED)',
    ],
    ['pilot EDITION pilots', pilot('foo-5.0-1'), facts(), 'act pilot foo-5.0-1 (STATUS REQUESTED)'],
    ['pilot BASENAME wants an edition', pilot('foo'), facts(), 'refused notFound (EDITION_WANTED)'],
    ['pilot of a live edition is refused', pilot('foo-3.0-1'), facts(), 'refused refused (STATUS NOT_A_PILOT)'],
    [
      'pilot -f of a live edition installs it as live',
      pilot('foo-3.0-1', F),
      facts(),
      'act install foo-3.0-1 (STATUS REQUESTED)',
    ],
    ['an unknown name is not found', install('nix'), facts(), 'refused notFound (NOT_FOUND)'],
    ['an unknown name is not found with force', install('nix', F), facts(), 'refused notFound (NOT_FOUND)'],
    ['a deprecated edition is refused', install('foo-1.0-1'), facts(), 'refused refused (STATUS)'],
    ['a skipped edition is refused', install('foo-2.0-1'), facts(), 'refused refused (STATUS)'],
    ['pilot of a skipped edition is refused', pilot('foo-2.0-1'), facts(), 'refused refused (STATUS)'],
    [
      'install -f takes a deprecated edition',
      install('foo-1.0-1', F),
      facts(),
      'act install foo-1.0-1 (STATUS REQUESTED)',
    ],
    [
      'install -f takes a skipped edition',
      install('foo-2.0-1', F),
      facts(),
      'act install foo-2.0-1 (STATUS REQUESTED)',
    ],
    [
      'pilot -f of a skipped edition pilots it',
      pilot('foo-2.0-1', F),
      facts(),
      'act pilot foo-2.0-1 (STATUS REQUESTED)',
    ],
    [
      'a newer edition updates',
      install('foo'),
      has(deprecated),
      'act update foo-3.0-1 (STATUS INSTALLED_OLDER REQUESTED)',
    ],
    [
      'a newer pilot is piloted over the live one',
      install('foo-4.0-1'),
      has(live),
      'act pilot foo-4.0-1 (STATUS INSTALLED_OLDER REQUESTED)',
    ],
    ['the same edition is nothing to do', install('foo'), has(live), 'nothing (STATUS INSTALLED_SAME)'],
    [
      'the same deprecated edition is nothing to do',
      install('foo-1.0-1'),
      has(deprecated),
      'nothing (STATUS INSTALLED_SAME)',
    ],
    ['the same pilot is nothing to do', pilot('foo-4.0-1'), has(pilot4), 'nothing (STATUS INSTALLED_SAME)'],
    [
      'the same edition frozen is nothing to do',
      install('foo'),
      has(live, { frozen: FROZEN }),
      'nothing (STATUS INSTALLED_SAME)',
    ],
    [
      'the same edition with force is installed again',
      install('foo', F),
      has(live),
      'act reinstall foo-3.0-1 (STATUS INSTALLED_SAME REQUESTED)',
    ],
    [
      'a pilot gone live only has its record changed',
      install('foo'),
      has(live, { piloting: true }),
      'act refresh foo-3.0-1 (STATUS INSTALLED_SAME ENLIVENED)',
    ],
    [
      'an older edition than is there is refused',
      install('foo'),
      has(pilot4),
      'refused refused (STATUS INSTALLED_NEWER)',
    ],
    [
      'an older pilot than is there is refused',
      pilot('foo-4.0-1'),
      has(pilot5),
      'refused refused (STATUS INSTALLED_NEWER)',
    ],
    [
      'an older edition with force is gone back to',
      install('foo', F),
      has(pilot4),
      'act rollback foo-3.0-1 (STATUS INSTALLED_NEWER REQUESTED)',
    ],
    ['a missing edition is not found', install('foo-6.0-1'), facts(), 'refused notFound (STATUS MISSING_FILE)'],
    [
      'a missing edition is not found with force',
      install('foo-6.0-1', F),
      facts(),
      'refused notFound (STATUS MISSING_FILE)',
    ],
  ];
  for (const [behaviour, request, of, is] of table) {
    it(behaviour, () => expect(told(decision(request, of, ...all))).to.equal(is));
  }

  const naming: [behaviour: string, request: Parameters<typeof decision>[0], of: ReturnType<typeof facts>][] = [
    ['a deprecated edition', install('foo-1.0-1'), facts()],
    ['a skipped edition', pilot('foo-2.0-1'), facts()],
    ['an older edition', install('foo'), has(pilot4)],
    ['an edition this machine is excluded from', install('foo-7.0-1'), on({ groups: [1] }, facts())],
    ['an edition whose prohibiting process runs', install('foo-7.0-1'), on({ processes: ['Safari'] }, facts())],
  ];
  for (const [behaviour, request, of] of naming) {
    it(`refusing ${behaviour} names -f in its actions`, () => {
      const guarded = edition({ id: 7, status: 'pilot', excludedGroups: [1], prohibitingProcesses: ['Safari'] });
      expect(decision(request, of, ...all, guarded).problem?.actions.join(' ')).to.include('-f');
    });
  }

  it('a basename without a live edition is told with its pilots, the newest as what to pilot', () => {
    const { reasons, problem } = decision(install('bar'), facts(), ...all);
    expect(reasons[0]?.data['pilots']).to.deep.equal(['bar-20.0-1', 'bar-21.0-1']);
    expect(reasons[0]?.text).to.include('bar-20.0-1, bar-21.0-1');
    expect(problem?.actions).to.deep.equal(['to pilot one: d3 pilot bar-21.0-1']);
  });

  it('an ambiguous package name is refused, naming the editions', () => {
    const twins = [edition({ id: 1, packageName: 'Twin' }), edition({ id: 2, basename: 'bar', packageName: 'Twin' })];
    const { verdict, reasons } = decision(install('Twin'), facts(), ...twins);
    expect(verdict).to.equal('refused');
    expect(reasons[0]).to.deep.include({
      code: 'AMBIGUOUS',
      data: { target: 'Twin', editions: ['foo-1.0-1', 'bar-2.0-1'] },
    });
  });

  it('depot3:BUG-59 the message about a missing edition names the edition', () => {
    const { edition: about, reasons } = decision(install('foo-6.0-1'), facts(), ...all);
    expect(about).to.equal('foo-6.0-1');
    expect(reasons.at(-1)?.text).to.equal('foo-6.0-1 is missing: its file is gone from the depot');
  });

  describe('what the action carries', () => {
    function action(...args: Parameters<typeof decision>) {
      const made = decision(...args).action;
      if (made?.kind !== 'install') throw new Error('no install');
      return made;
    }

    it('who asked, that a person did, force and freeze', () => {
      const made = action(install('foo', { admin: 'amy', freeze: true, force: true }), facts(), ...all);
      expect(made).to.deep.include({ admin: 'amy', manual: true, freeze: true, force: true, replaces: null });
    });

    it('the receipt whose place it takes', () => {
      const of = has(deprecated);
      expect(action(install('foo'), of, ...all).replaces).to.equal(of.receipts[0]);
    });

    const piloting: [
      behaviour: string,
      request: Parameters<typeof decision>[0],
      of: ReturnType<typeof facts>,
      is: boolean[],
    ][] = [
      ['a live edition is no pilot', install('foo'), facts(), [false, false]],
      ['a pilot where nothing stood displaced nothing', install('foo-4.0-1'), facts(), [true, false]],
      ['a pilot over a live one displaced it', pilot('foo-4.0-1'), has(live), [true, true]],
      ['a pilot over a pilot that displaced nothing', pilot('foo-5.0-1'), has(pilot4), [true, false]],
      [
        'a pilot over a pilot that displaced the live one',
        pilot('foo-5.0-1'),
        has(pilot4, { displacedLive: true }),
        [true, true],
      ],
      ['a live one over a pilot', install('foo', F), has(pilot4, { displacedLive: true }), [false, false]],
      ['install -f of a skipped edition is no pilot', install('foo-2.0-1', F), facts(), [false, false]],
      ['pilot -f of a skipped edition is', pilot('foo-2.0-1', F), facts(), [true, false]],
      [
        're-installing a pilot keeps what it displaced',
        pilot('foo-4.0-1', F),
        has(pilot4, { displacedLive: true }),
        [true, true],
      ],
    ];
    for (const [behaviour, request, of, is] of piloting) {
      it(behaviour, () => {
        const made = action(request, of, ...all);
        expect([made.piloting, made.displacedLive]).to.deep.equal(is);
      });
    }

    const expiring = edition({ id: 9, basename: 'exp', expiration: 30, expirationPaths: ['/a'] });
    const lasting = edition({ id: 10, basename: 'last', removable: false });
    const expirations: [behaviour: string, target: string, days: number | null, custom: number | null][] = [
      ['no expiration given is the edition’s own', 'exp', null, null],
      ['another expiration is custom', 'exp', 7, 7],
      ['zero is custom: never', 'exp', 0, 0],
      ['the edition’s own number is not custom', 'exp', 30, null],
      ['what cannot be removed cannot expire', 'last', 7, null],
    ];
    for (const [behaviour, target, days, custom] of expirations) {
      it(behaviour, () => {
        const made = action(install(target, { expiration: days }), facts(), expiring, lasting);
        expect(made.customExpiration).to.equal(custom);
      });
    }

    const removing = edition({ id: 9, removeFirst: true });
    it('remove-first only where there is something that may be removed', () => {
      expect(action(install('foo'), facts(), removing).removeFirst).to.equal(false);
      expect(action(install('foo'), has(deprecated), removing).removeFirst).to.equal(true);
      expect(action(install('foo'), has(deprecated, { removable: false }), removing).removeFirst).to.equal(false);
      expect(action(install('foo'), has(deprecated), edition({ id: 9 })).removeFirst).to.equal(false);
    });
  });

  describe('-F, install and freeze', () => {
    const FREEZE = { freeze: true };
    const rows: [
      behaviour: string,
      request: Parameters<typeof decision>[0],
      of: ReturnType<typeof facts>,
      is: string,
    ][] = [
      [
        'installs and freezes what is not there',
        install('foo', FREEZE),
        facts(),
        'act install foo-3.0-1 (STATUS REQUESTED)',
      ],
      [
        'updates and freezes what is older',
        install('foo', FREEZE),
        has(deprecated),
        'act update foo-3.0-1 (STATUS INSTALLED_OLDER REQUESTED)',
      ],
      [
        'only freezes the same edition',
        install('foo', FREEZE),
        has(live),
        'act refresh foo-3.0-1 (STATUS INSTALLED_SAME REQUESTED)',
      ],
      [
        'the same edition frozen is nothing to do',
        install('foo', FREEZE),
        has(live, { frozen: FROZEN }),
        'nothing (STATUS INSTALLED_SAME ALREADY_FROZEN)',
      ],
      ['a newer receipt is refused', install('foo', FREEZE), has(pilot4), 'refused refused (STATUS INSTALLED_NEWER)'],
      [
        'with force a newer receipt is frozen',
        install('foo', { ...FREEZE, ...F }),
        has(pilot4),
        'act refresh foo-4.0-1 (STATUS INSTALLED_NEWER REQUESTED)',
      ],
      [
        'with force the same edition is installed again',
        install('foo', { ...FREEZE, ...F }),
        has(live),
        'act reinstall foo-3.0-1 (STATUS INSTALLED_SAME REQUESTED)',
      ],
    ];
    for (const [behaviour, request, of, is] of rows) {
      it(behaviour, () => expect(told(decision(request, of, ...all))).to.equal(is));
    }

    it('refusing a newer receipt tells both ways to freeze it', () => {
      const actions = decision(install('foo', FREEZE), has(pilot4), ...all).problem?.actions;
      expect(actions).to.deep.equal(['freeze what is there: d3 freeze foo', 'or use -f with -F']);
    });

    it('records who froze it and when', () => {
      const { action } = decision(install('foo', { ...FREEZE, admin: 'amy' }), has(live), ...all);
      expect(action).to.deep.include({ changes: { frozen: { by: 'amy', at: AT }, thawed: null } });
    });

    it('depot3:BUG-04 meeting a same or newer receipt goes on to the remaining targets', () => {
      const bar = edition({ id: 30, basename: 'baz' });
      for (const machine of [has(live), has(pilot4)]) {
        for (const force of [false, true]) {
          const made = decisions(install(['foo', 'nix', 'baz'], { ...FREEZE, force }), machine, ...all, bar);
          expect(made.map((one) => one.target)).to.deep.equal(['foo', 'nix', 'baz']);
          expect(told(made[2] as (typeof made)[number])).to.equal('act install baz-30.0-1 (STATUS REQUESTED)');
        }
      }
    });
  });

  describe('what stands against it', () => {
    const guarded = (changes: Parameters<typeof edition>[0]) => edition({ id: 9, ...changes });
    const machine = on({ groups: [1], processes: ['Safari', 'Finder'] }, facts());
    const dumb = facts([], { scriptRunners: [] });
    type Changes = Parameters<typeof edition>[0];
    const rows: [behaviour: string, changes: Changes, of: ReturnType<typeof facts>, code: string, lifted: boolean][] = [
      ['a wrong OS', { oses: ['10.9.x'] }, machine, 'WRONG_OS', false],
      ['a wrong CPU', { cpu: 'x86_64' }, machine, 'WRONG_CPU', false],
      ['a needed capability', { requires: ['future'] }, machine, 'NEEDS_NEWER_D3', false],
      ['an excluded group', { excludedGroups: [2, 1] }, machine, 'EXCLUDED', true],
      ['a prohibiting process', { prohibitingProcesses: ['Xcode', 'Safari'] }, machine, 'PROCESS_RUNNING', true],
      ['a pre-install script nobody runs', { preInstall: script(1) }, dumb, 'SCRIPTS_UNANSWERED', false],
      ['a post-install script nobody runs', { postInstall: script(1) }, dumb, 'SCRIPTS_UNANSWERED', false],
    ];
    for (const [behaviour, changes, of, code, lifted] of rows) {
      it(`${behaviour} refuses it, and force ${lifted ? 'lifts' : 'does not lift'} that`, () => {
        const plain = decision(install('foo'), of, guarded(changes));
        expect(told(plain)).to.equal(`refused refused (STATUS ${code})`);
        expect(plain.problem?.code).to.equal(code);
        const forced = decision(install('foo', F), of, guarded(changes));
        expect(forced.verdict).to.equal(lifted ? 'act' : 'refused');
      });
    }

    it('all that stands against it is told at once, the first as the problem', () => {
      const made = decision(install('foo'), machine, guarded({ oses: ['10.9.x'], cpu: 'x86_64', reboot: true }));
      expect(told(made)).to.equal('refused refused (STATUS WRONG_OS WRONG_CPU)');
      expect(made.problem?.code).to.equal('WRONG_OS');
    });

    it('depot3:I01 depot3:B20 what needs a restart is queued, which a running process does not prevent; -p installs it', () => {
      const rebooting = guarded({ reboot: true, prohibitingProcesses: ['Safari'] });
      expect(told(decision(install('foo'), machine, rebooting))).to.equal(
        'act defer foo-9.0-1 (STATUS REQUESTED NEEDS_RESTART)',
      );
      const now = decision(install('foo', { puppies: true }), machine, rebooting);
      expect(told(now)).to.equal('refused refused (STATUS PROCESS_RUNNING)');
      expect(told(decision(install('foo', { puppies: true }), facts(), rebooting))).to.equal(
        'act install foo-9.0-1 (STATUS REQUESTED)',
      );
    });

    it('an excluded group is told by name, only those this machine is in; a deleted one excludes nobody', () => {
      const of = on({ groups: [1, 99] }, facts());
      const { reasons } = decision(install('foo'), of, guarded({ excludedGroups: [1, 2, 99] }));
      expect(reasons.at(-1)?.data['groups']).to.deep.equal(['test-macs']);
    });

    it('with remove-first the removal’s processes and scripts count too', () => {
      const newer = guarded({ removeFirst: true });
      const old = receipt(deprecated, { prohibitingProcesses: ['Safari'], preRemove: script(4) });
      const of = on({ processes: ['Safari'] }, facts([old], { scriptRunners: [] }));
      expect(told(decision(install('foo'), of, newer))).to.equal(
        'refused refused (STATUS INSTALLED_OLDER PROCESS_RUNNING SCRIPTS_UNANSWERED)',
      );
      expect(decision(install('foo'), of, guarded({})).verdict).to.equal('act');
    });

    it('remove scripts of the edition itself do not stop its install', () => {
      const scripted = guarded({ preRemove: script(1), postRemove: script(2) });
      expect(decision(install('foo'), dumb, scripted).verdict).to.equal('act');
    });

    it('depot3:BUG-54 an arm64 machine may have arm64 editions and is refused x86_64 ones, told as the processor', () => {
      const arm = on({ cpu: 'arm' }, facts());
      expect(decision(install('foo'), arm, guarded({ cpu: 'arm64' })).verdict).to.equal('act');
      const { reasons } = decision(install('foo'), arm, guarded({ cpu: 'x86_64' }));
      expect(reasons.at(-1)?.text).to.equal('foo-9.0-1 is for x86_64 processors; this machine has arm');
    });
  });
});

describe('several targets', () => {
  const other = edition({ id: 30, basename: 'baz' });
  const rows: [behaviour: string, targets: string[], of: ReturnType<typeof facts>, is: string[]][] = [
    ['are decided in their order', ['baz', 'foo'], facts(), ['act', 'act']],
    ['one refusal does not stop the others', ['nix', 'foo-1.0-1', 'baz'], facts(), ['refused', 'refused', 'act']],
    ['the same edition twice is done once', ['foo', 'foo-3.0-1'], facts(), ['act', 'nothing']],
    ['two editions of a basename: the second is refused', ['foo', 'foo-4.0-1'], facts(), ['act', 'refused']],
    ['an edition beside one already there is refused', ['foo', 'foo-4.0-1'], has(live), ['nothing', 'refused']],
    ['a refused target is refused again, not called done', ['foo-1.0-1', 'foo-1.0-1'], facts(), ['refused', 'refused']],
    ['a refused target does not stand in another’s way', ['foo-1.0-1', 'foo'], facts(), ['refused', 'act']],
    ['no live edition does not stand in a pilot’s way', ['bar', 'bar-20.0-1'], facts(), ['refused', 'act']],
  ];
  for (const [behaviour, targets, of, is] of rows) {
    it(behaviour, () => {
      const made = decisions(install(targets), of, ...all, other);
      expect(made.map((one) => one.target)).to.deep.equal(targets);
      expect(made.map((one) => one.verdict)).to.deep.equal(is);
    });
  }
});

describe('an interrupted basename', () => {
  const cut = facts([receipt(live), receipt(edition({ id: 30, basename: 'baz' }))], { interrupted: ['foo'] });
  const requests = [install('foo', F), pilot('foo-4.0-1'), depilot('foo'), record('freeze', 'foo')];

  it('may be given up with forget, with a receipt or without one', () => {
    expect(decision(record('forget', 'foo'), cut, ...all).action?.kind).to.equal('forget');
    const without = facts([], { interrupted: ['foo'] });
    expect(decision(record('forget', 'foo'), without, ...all).action).to.include({ kind: 'forget', basename: 'foo' });
    expect(decision(record('forget', 'bar'), without, ...all).verdict).to.equal('refused');
  });

  for (const request of requests) {
    it(`is refused to ${request.kind}, naming d3 sync`, () => {
      const made = decision(request, cut, ...all);
      expect(told(made)).to.equal('refused failed (INTERRUPTED)');
      expect(made.problem?.actions.join()).to.include('d3 sync');
    });
  }

  it('does not stop another target', () => {
    const baz = edition({ id: 31, basename: 'baz' });
    expect(decisions(install(['foo', 'baz']), cut, ...all, baz).map((one) => one.verdict)).to.deep.equal([
      'refused',
      'act',
    ]);
  });

  it('is left alone by a sync, installed or not', () => {
    const standard = edition({ id: 40, basename: 'auto', autoGroups: ['standard'] });
    const of = facts([receipt(deprecated)], { interrupted: ['foo', 'auto'] });
    expect(decisions(sync(), of, ...all, standard)).to.deep.equal([]);
  });
});

describe('what is recorded after an install', () => {
  it('makes the same request nothing to do', () => {
    for (const target of ['foo', 'foo-4.0-1']) {
      const first = decision(install(target), facts(), ...all);
      if (first.action === null) throw new Error('no action');
      expect(decision(install(target), applied(facts(), first.action), ...all).verdict).to.equal('nothing');
    }
  });
});
