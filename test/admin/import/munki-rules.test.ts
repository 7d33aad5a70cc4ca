import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PlainPlist } from '@d3/flatpkg';
import { expect } from 'chai';
import fc from 'fast-check';
import { readManifest } from '../../../src/admin/import/munki/manifest.ts';
import { mapItem } from '../../../src/admin/import/munki/map-item.ts';
import { basenameOf, versionOf } from '../../../src/admin/import/munki/names.ts';
import { limitsBetween } from '../../../src/admin/import/munki/os-limits.ts';
import { contrary, criteriaOf } from '../../../src/admin/import/munki/predicate.ts';
import { type MunkiRepository, propose } from '../../../src/admin/import/munki/propose.ts';
import { scriptsOf } from '../../../src/admin/import/munki/scripts.ts';
import { compareVersions, nameAndVersion } from '../../../src/admin/import/munki/versions.ts';
import type { Proposal } from '../../../src/admin/import/types.ts';
import { type Criteria, type Criterion, criterionMet, judge, leavesOf } from '../../../src/catalog/criteria.ts';
import { criteriaText, parseCriteria } from '../../../src/catalog/criteria-text.ts';
import { compareParts, osAllowed, osLimitProblem } from '../../../src/catalog/limits.ts';
import { basenameProblem, versionProblem } from '../../../src/catalog/names.ts';
import { munkiItem } from '../../support/munki.ts';

type Said = Parameters<typeof munkiItem>[2];
const CHOICES = { released: ['production'], opensImages: false };

function mapped(more: Said, name = 'Tool', version = '1.0') {
  const found = mapItem(munkiItem(name, version, more), CHOICES);
  if (found.kind !== 'edition') throw new Error(`it is ${found.kind}: ${JSON.stringify(found)}`);
  return found;
}

function keysOf(more: Said): string[] {
  return mapped(more).gaps.map(({ key }) => key);
}

describe('what an item of Munki’s comes to', () => {
  const cases: [string, Said, Partial<Proposal['typed']>][] = [
    ['lowest system', { minimum_os_version: '13.4' }, { oses: '>=13.4' }],
    ['no system: still Macs alone', { minimum_os_version: '' }, { oses: '>=10' }],
    ['both systems', { minimum_os_version: '13.0', maximum_os_version: '14.99' }, { oses: '13.x,14.x' }],
    ['one processor', { supported_architectures: ['arm64'] }, { cpu: 'arm64' }],
    ['an old word for the other', { supported_architectures: ['amd64', 'i386'] }, { cpu: 'x86_64' }],
    ['both processors', { supported_architectures: ['arm64', 'x86_64'] }, { cpu: 'none' }],
    ['restart', { RestartAction: 'RequireRestart' }, { reboot: 'y' }],
    ['recommended restart', { RestartAction: 'RecommendRestart' }, { reboot: 'y' }],
    ['shutdown', { RestartAction: 'RequireShutdown' }, { reboot: 'y' }],
    ['no restart', { RestartAction: 'None' }, { reboot: 'n' }],
    [
      'blocking applications',
      { blocking_applications: ['Tool.app', '/Applications/Other Tool.app', 'helper'] },
      { prohibitingProcesses: 'Tool,Other Tool,helper' },
    ],
    [
      'none of them, said',
      { blocking_applications: [], installs: [{ type: 'application', path: '/Applications/Tool.app' }] },
      { prohibitingProcesses: 'none' },
    ],
    [
      'those it installs',
      {
        installs: [
          { type: 'application', path: '/Applications/Tool.app' },
          { type: 'file', path: '/etc/tool' },
        ],
      },
      { prohibitingProcesses: 'Tool' },
    ],
    ['removable', { uninstallable: true }, { removable: 'y' }],
    ['not removable', { uninstallable: false }, { removable: 'n' }],
    [
      'unused software',
      {
        unused_software_removal_info: { removal_days: 30, bundle_ids: ['org.tool'] },
        installs: [{ type: 'application', path: '/Applications/Tool.app', CFBundleIdentifier: 'org.tool' }],
      },
      { expiration: '30', expirationPaths: '/Applications/Tool.app' },
    ],
    [
      'unused software without a place',
      { unused_software_removal_info: { removal_days: 30, bundle_ids: ['org.tool'] } },
      { expiration: '0', expirationPaths: 'none' },
    ],
    [
      'names and texts',
      { display_name: 'The Tool', description: 'Does it.', notes: 'Ask Sam.', developer: 'Example', category: 'Tools' },
      { packageName: 'The Tool 1.0', description: 'Does it.\n\nAsk Sam.\n\nFrom Example.', category: 'Tools' },
    ],
    ['a category with a comma', { category: 'Sound, Video' }, { category: 'Sound Video' }],
  ];
  for (const [what, more, wanted] of cases)
    it(`munki: ${what}`, () => {
      expect(mapped(more).proposal.typed).to.deep.include(wanted);
    });

  const gaps: [string, Said, string][] = [
    ['unattended_install', { unattended_install: false }, 'unattended_install'],
    ['RestartAction', { RestartAction: 'RequireLogout' }, 'RestartAction'],
    ['OnDemand', { OnDemand: true }, 'OnDemand'],
    ['autoremove', { autoremove: true }, 'autoremove'],
    ['preinstall_alert', { preinstall_alert: { alert_title: 'x' } }, 'preinstall_alert'],
    ['force_install_after_date', { force_install_after_date: new Date(0) }, 'force_install_after_date'],
    ['installer_choices_xml', { installer_choices_xml: [{ a: 1 }] }, 'installer_choices_xml'],
    ['installcheck_script', { installcheck_script: '#!/bin/sh\n' }, 'installcheck_script'],
    ['uninstall_method', { uninstall_method: '/usr/local/bin/remove' }, 'uninstall_method'],
    ['installer_item_hash', { installer_item_hash: '' }, 'installer_item_hash'],
    [
      'unused_software_removal_info',
      { unused_software_removal_info: { removal_days: 3 } },
      'unused_software_removal_info',
    ],
    ['a key of tomorrow', { made_up: 'x' }, 'made_up'],
    ['version_script', { version_script: '#!/bin/sh\n' }, 'version_script'],
  ];
  for (const [what, more, key] of gaps)
    it(`munki: ${what} is told`, () => {
      expect(keysOf(more)).to.deep.equal([key]);
      const [gap] = mapped(more).gaps;
      expect([gap?.why, gap?.todo, gap?.item]).to.satisfy((texts: string[]) => texts.every((text) => text.length > 3));
    });

  it('munki: what is false or empty is no gap', () => {
    expect(
      keysOf({ OnDemand: false, autoremove: false, requires: [], preinstall_alert: {}, localized_strings: {} }),
    ).to.deep.equal([]);
  });

  const left: [string, Said, string][] = [
    ['a profile', { installer_type: 'profile' }, 'installer_type'],
    [
      'an application in an image',
      { installer_type: 'copy_from_dmg', installer_item_location: 'a.dmg' },
      'installer_item_location',
    ],
    ['macOS itself', { installer_type: 'startosinstall', installer_item_location: 'a.dmg' }, 'installer_type'],
    ['a package in an image', { installer_item_location: 'a.dmg', package_path: 'A.pkg' }, 'installer_item_location'],
    ['a bundle-style package', { installer_item_location: 'a.mpkg' }, 'installer_item_location'],
    ['what is for old processors', { supported_architectures: ['ppc', 'i386'] }, 'supported_architectures'],
    ['what no system can have', { minimum_os_version: '14', maximum_os_version: '13.5' }, 'maximum_os_version'],
  ];
  for (const [what, more, key] of left)
    it(`munki: ${what} is left out, with why`, () => {
      const found = mapItem(munkiItem('Tool', '1', more), CHOICES);
      expect(found.kind === 'left out' && found.gap?.key).to.equal(key);
    });

  const image = (more: Said) => ({ installer_item_location: 'a.dmg', ...more });
  const copied = (...items: Record<string, string>[]) =>
    image({ installer_type: 'copy_from_dmg', items_to_copy: items });

  it('munki: on a Mac a disk image comes to the package in it, or to what is copied out of it', () => {
    const source = (more: Said) => {
      const found = mapItem(munkiItem('Tool', '1', more), { ...CHOICES, opensImages: true });
      return found.kind === 'edition' && found.proposal.source.kind === 'image' && found.proposal.source.holds;
    };
    expect(source(image({}))).to.deep.equal({ package: null });
    expect(source(image({ package_path: 'In/A.pkg' }))).to.deep.equal({ package: 'In/A.pkg' });
    expect(
      source(
        copied(
          { source_item: 'A.app', destination_path: '/Applications' },
          { source_item: 'x/b', destination_path: '/opt/', destination_item: 'c' },
        ),
      ),
    ).to.deep.equal({
      copies: [
        { source: 'A.app', folder: '/Applications', name: 'A.app' },
        { source: 'x/b', folder: '/opt/', name: 'c' },
      ],
    });
  });

  it('munki: what is copied belongs to root:wheel: where it should not, that is told', () => {
    const gaps = (more: Record<string, string>) => {
      const said = copied({ source_item: 'A.app', destination_path: '/Applications', ...more });
      const found = mapItem(munkiItem('Tool', '1', said), { ...CHOICES, opensImages: true });
      return found.kind === 'edition' ? found.gaps.filter(({ key }) => key === 'items_to_copy') : null;
    };
    expect(gaps({ user: 'root', group: 'admin' })).to.deep.equal([]);
    expect(gaps({ user: 'daemon', mode: '755' })?.map(({ what }) => what)).to.deep.equal(['A.app daemon:admin 755']);
  });

  for (const [what, more, says] of [
    ['nothing to copy', copied(), /no items_to_copy/],
    [
      'a way out of the image',
      copied({ source_item: '../x', destination_path: '/Applications' }),
      /within the disk image/,
    ],
    [
      'a place of the host',
      copied({ source_item: '/etc', destination_path: '/Applications' }),
      /within the disk image/,
    ],
    ['nowhere to go', copied({ source_item: 'A.app' }), /no absolute path/],
    ['a way up', copied({ source_item: 'A.app', destination_path: '/a/../..' }), /no absolute path/],
    ['no name', copied({ source_item: 'A.app', destination_path: '/a', destination_item: '..' }), /no absolute path/],
    ['a package elsewhere', image({ package_path: '../A.pkg' }), /package_path leads out/],
  ] as [string, Said, RegExp][])
    it(`munki: an image with ${what} is an error that says so`, () => {
      const found = mapItem(munkiItem('Tool', '1', more), { ...CHOICES, opensImages: true });
      expect(found.kind === 'wrong' && found.error.message).to.match(says);
    });

  const wrong: [string, Said, RegExp][] = [
    ['a way out of the repository', { installer_item_location: '../../etc/passwd.pkg' }, /leads out of the repository/],
    ['a script without an interpreter', { preinstall_script: 'echo hi' }, /preinstall_script does not begin with #!/],
    ['a system that is none', { minimum_os_version: 'Sonoma' }, /minimum_os_version/],
    ['a hash that is none', { installer_item_hash: 'abc' }, /no SHA-256/],
    ['no package', { installer_item_location: '' }, /no installer_item_location/],
  ];
  for (const [what, more, text] of wrong)
    it(`munki: ${what} is an error that names the item`, () => {
      const found = mapItem(munkiItem('Tool', '1', more), CHOICES);
      if (found.kind !== 'wrong') throw new Error(`it is ${found.kind}`);
      expect(found.error.message).to.match(text);
      expect(found.error.target).to.equal('Tool 1 (pkgsinfo/Tool-1.plist)');
    });

  for (const [what, more] of [
    ['requires that are no texts', { requires: [1] }],
    ['installs that are no list', { installs: 'x' }],
    ['unattended_install that is a text', { unattended_install: 'yes' }],
    ['removal_days of none', { unused_software_removal_info: { removal_days: 0 } }],
  ] as [string, Said][])
    it(`munki: ${what} cannot be read`, () => {
      expect(() => munkiItem('Tool', '1', more)).to.throw(/pkginfo cannot be used/);
    });
});

describe('the rules by which a repository of Munki’s is read', () => {
  it('munki: names are usable ones, and usable ones stay as they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const [basename, version] = [basenameOf(text), versionOf(text)];
        if (basename !== null) expect(basenameProblem(basename)).to.equal(null);
        if (version !== null) expect(versionProblem(version)).to.equal(null);
        if (basename !== null) expect(basenameOf(basename)).to.equal(basename.replace(/-+$/, ''));
        if (version !== null) expect(versionOf(version)).to.equal(version);
      }),
    );
    expect([basenameOf('Google Chrome'), basenameOf('Café+'), basenameOf('…')]).to.deep.equal([
      'Google-Chrome',
      'Cafe+',
      null,
    ]);
  });

  const version = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 3 });
  const system = fc.tuple(fc.integer({ min: 10, max: 40 }), version).map(([major, rest]) => {
    // Macs never were 10.16 and later, but by that name.
    const [minor = 0, ...more] = rest;
    return [major, major === 10 ? minor % 16 : minor, ...more].join('.');
  });
  it('munki: limits let exactly what is between the lowest and the highest system', () => {
    fc.assert(
      fc.property(fc.option(system), fc.option(system), system, (lowest, highest, asked) => {
        const parts = (text: string) => text.split('.').map(Number);
        const limits = limitsBetween(lowest, highest);
        const isBetween =
          (lowest === null || compareParts(parts(asked), parts(lowest)) >= 0) &&
          (highest === null || compareParts(parts(asked), parts(highest)) <= 0);
        for (const limit of limits ?? []) expect(osLimitProblem(limit), limit).to.equal(null);
        expect((limits ?? []).length).to.be.lessThan(1_000);
        expect(
          limits !== null && osAllowed(limits, { name: 'macOS', version: asked }),
          JSON.stringify(limits),
        ).to.equal(isBetween);
        if (limits !== null) expect(osAllowed(limits, { name: 'debian', version: asked })).to.equal(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('munki: versions have one order, and zeros at their end say nothing', () => {
    const text = fc.stringMatching(/^\d{1,3}(\.\d{1,3}){0,3}([ab]\d)?$/);
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        expect(compareVersions(a, b)).to.equal(0 - compareVersions(b, a));
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).to.be.lessThanOrEqual(0);
        expect(compareVersions(a, `${a}.0`)).to.equal(/[ab]/.test(a) ? compareVersions(a, `${a}.0`) : 0);
      }),
    );
    expect(['1.10', '1.9', '1.9b1', '2', '1.9.1'].toSorted(compareVersions)).to.deep.equal([
      '1.9',
      '1.9.1',
      '1.9b1',
      '1.10',
      '2',
    ]);
    expect([nameAndVersion('Tool-Kit'), nameAndVersion('Tool-Kit-1.2'), nameAndVersion('Tool--1')]).to.deep.equal([
      { name: 'Tool-Kit', version: null },
      { name: 'Tool-Kit', version: '1.2' },
      { name: 'Tool', version: '1' },
    ]);
  });

  const predicates: [string, string | null][] = [
    ['arch == "arm64"', 'cpu is arm64'],
    ["os_vers_major >= 13 AND NOT hostname BEGINSWITH[cd] 'lab-'", 'os-version >= 13 and name not like lab-*'],
    ['os_vers_major == 14', 'os-version >= 14 and os-version < 15'],
    [
      'machine_model IN {"Mac14,2", "Mac14,7"} || serial_number != "C02"',
      '(model is Mac14,2 or model is Mac14,7) or serial is not C02',
    ],
    ['NOT (os_vers >= "13.2" OR arch == "x86_64")', 'os-version < 13.2 and cpu is not x86_64'],
    ['hostname CONTAINS "x" and hostname LIKE "a*"', 'name like *x* and name like a*'],
    ['machine_type == "laptop"', null],
    ['ANY applications.bundleid == "x"', null],
    ['date > CAST("2026-01-01T00:00:00Z", "NSDate")', null],
    ['catalogs CONTAINS "testing"', null],
    ['hostname MATCHES "a.*"', null],
    ['os_vers_minor == 3', null],
    ['arch == "arm64" AND', null],
    ['arch == "arm64" nonsense', null],
    ['(arch == "arm64"', null],
    ['arch', null],
    ['', null],
    ['"arm64" == arch', null],
    [`${'('.repeat(50)}arch == "x"`, null],
    ['__proto__ == "x"', null],
  ];
  for (const [condition, wanted] of predicates)
    it(`munki: the condition ${condition.slice(0, 60) || 'of nothing'}`, () => {
      const found = criteriaOf(condition);
      if (wanted === null) expect(found).to.have.property('why').that.is.a('string').with.length.greaterThan(5);
      else expect('criteria' in found && criteriaText(found.criteria)).to.equal(wanted);
    });

  it('munki: hostile conditions are answered, not obeyed', () => {
    const words = fc.constantFrom(
      'arch',
      '==',
      '"x"',
      'AND',
      'OR',
      'NOT',
      '(',
      ')',
      'IN',
      '{',
      '}',
      ',',
      "'",
      '"',
      '!',
      'os_vers',
      '>=',
      '1',
      'like',
      '\\',
      'contains',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(words).map((all) => all.join(' ')),
        ),
        (condition) => {
          const found = criteriaOf(condition);
          if ('why' in found) return;
          expect(leavesOf(found.criteria).length).to.be.within(1, 100);
          // What comes of it can be typed again.
          expect(leavesOf(parseCriteria(criteriaText(found.criteria))).length).to.equal(
            leavesOf(found.criteria).length,
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('munki: the contrary of a condition holds exactly where that does not', () => {
    const leaf = fc.record({
      fact: fc.constantFrom('cpu', 'name'),
      op: fc.constant('is' as const),
      not: fc.boolean(),
      value: fc.constantFrom('a', 'b'),
    });
    const { tree } = fc.letrec<{ tree: Criteria }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf as fc.Arbitrary<Criteria>,
        fc.record({ all: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }) as fc.Arbitrary<Criteria>,
        fc.record({ any: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }) as fc.Arbitrary<Criteria>,
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom('a', 'b', 'c'), fc.constantFrom('a', 'b', 'c'), (criteria, cpu, name) => {
        const met = (part: Criteria) =>
          judge<Criterion>(part, (each) =>
            criterionMet(each, { kind: 'text', values: [each.fact === 'cpu' ? cpu : name] }),
          );
        expect(met(contrary(criteria))).to.equal(!met(criteria));
      }),
    );
  });
});

describe('scripts of Munki’s', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const run = (text: string): { code: number; said: string } => {
    const file = path.join(dir, 'script');
    writeFileSync(file, text, { mode: 0o755 });
    try {
      return {
        code: 0,
        said: execFileSync(file, {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
          env: { PATH: process.env['PATH'], TMPDIR: dir },
        }),
      };
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string };
      return { code: status, said: stdout };
    }
  };
  const exits = (code: number, word: string) => `#!/bin/sh\necho ${word}\nexit ${code}\n`;
  const made = (scripts: Record<string, string>) => scriptsOf({ name: 'Tool', scripts });

  it('munki: one alone stays as it is', () => {
    const text = '#!/usr/bin/python3\nprint("é $HOME `x`")';
    expect(made({ preinstall_script: text, postinstall_script: text, postuninstall_script: text })).to.deep.equal({
      preInstall: text,
      postInstall: text,
      postRemove: text,
    });
  });

  const table: [number, number, number, string][] = [
    [0, 0, 0, 'check pre '],
    [0, 3, 3, 'check pre '],
    [1, 0, 111, 'check '],
    [255, 0, 111, 'check '],
    [126, 0, 1, 'check '],
    // 111 is a failure like any other to Munki.
    [0, 111, 1, 'check pre '],
  ];
  for (const [check, pre, code, said] of table)
    it(`munki: a check that ends with ${check} and a script that ends with ${pre} come to ${code}`, () => {
      const { preInstall = '' } = made({
        installcheck_script: exits(check, 'check'),
        preinstall_script: exits(pre, 'pre'),
      });
      const ended = run(preInstall);
      expect([ended.code, ended.said.replaceAll('\n', ' ')]).to.deep.equal([code, said]);
    });

  it('munki: removal is checked, prepared and done in that order', () => {
    const { preRemove = '' } = made({
      uninstall_script: exits(0, 'remove'),
      preuninstall_script: exits(0, 'prepare'),
      uninstallcheck_script: exits(0, 'check'),
    });
    expect(run(preRemove)).to.deep.equal({ code: 0, said: 'check\nprepare\nremove\n' });
  });

  it('munki: a script is run as it is, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }).filter((text) => !/[\0\r]/.test(text)),
        (text) => {
          const script = `#!/bin/cat\n${text}`;
          const { preInstall = '' } = made({ installcheck_script: exits(0, 'x'), preinstall_script: script });
          const said = run(preInstall).said;
          expect(said.replace(/\n$/, '')).to.equal(`x\n${script}`.replace(/\n$/, ''));
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('a whole repository of Munki’s', () => {
  const manifest = (name: string, said: Record<string, PlainPlist>) =>
    readManifest({ catalogs: ['production'], ...said }, name, `manifests/${name}`);
  const repository = (items: MunkiRepository['items'], manifests: MunkiRepository['manifests'] = []) =>
    propose({ items, manifests }, CHOICES);
  const scopes = (proposed: ReturnType<typeof propose>) =>
    Object.fromEntries(proposed.proposals.map(({ item, typed }) => [item, typed.autoGroups]));
  const criteria = (proposed: ReturnType<typeof propose>) =>
    Object.fromEntries(proposed.groups.map((group) => [group.name, criteriaText(group.criteria)]));

  it('munki: older versions come first, and only what is in a released catalog is released', () => {
    const { proposals, leftOut } = repository([
      munkiItem('Tool', '1.10', { catalogs: ['testing'] }),
      munkiItem('Tool', '1.9', { catalogs: ['testing', 'production'] }),
      munkiItem('Tool', '1.1'),
      munkiItem('Nobody', '1', { catalogs: [] }),
    ]);
    expect(proposals.map(({ item, released }) => [item, released])).to.deep.equal([
      ['Tool 1.1', true],
      ['Tool 1.9', true],
      ['Tool 1.10', false],
    ]);
    expect(leftOut.map(({ item }) => item)).to.deep.equal(['Nobody 1']);
  });

  it('munki: of two that would be one none comes in, and both are named', () => {
    const { proposals, problems } = repository([
      munkiItem('Tool', '1.0'),
      { ...munkiItem('Tool', '1'), from: 'pkgsinfo/other.plist' },
      munkiItem('A b', '1'),
      munkiItem('A-b', '2'),
      munkiItem('Fine', '1'),
    ]);
    expect(proposals.map(({ item }) => item)).to.deep.equal(['Fine 1']);
    expect(problems.map(({ error }) => [error.code, error.target]).toSorted()).to.deep.equal([
      ['MUNKI_TWICE', 'A b 1 (pkgsinfo/A b-1.plist)'],
      ['MUNKI_TWICE', 'A-b 2 (pkgsinfo/A-b-2.plist)'],
      ['MUNKI_TWICE', 'Tool 1 (pkgsinfo/other.plist)'],
      ['MUNKI_TWICE', 'Tool 1.0 (pkgsinfo/Tool-1.0.plist)'],
    ]);
  });

  it('munki: what every manifest comes to is for every computer; what some come to, for those', () => {
    const proposed = repository(
      [munkiItem('All', '1'), munkiItem('Some', '1'), munkiItem('One', '1'), munkiItem('None', '1')],
      [
        manifest('site_default', { managed_installs: ['All'] }),
        manifest('mac-1', { included_manifests: ['site_default', 'lab'] }),
        manifest('mac-2', { included_manifests: ['site_default', 'lab'], managed_installs: ['One'] }),
        manifest('lab', { managed_installs: ['Some'] }),
      ],
    );
    expect(scopes(proposed)).to.deep.equal({
      'All 1': 'standard',
      'Some 1': 'munki-lab',
      'One 1': 'munki-mac-2',
      'None 1': 'none',
    });
    expect(criteria(proposed)).to.deep.equal({
      'munki-lab': 'serial is mac-1 or name is mac-1 or serial is mac-2 or name is mac-2',
      'munki-mac-2': 'serial is mac-2 or name is mac-2',
    });
  });

  it('munki: without a default nothing is for every computer', () => {
    const proposed = repository([munkiItem('All', '1')], [manifest('mac-1', { managed_installs: ['All'] })]);
    expect(scopes(proposed)).to.deep.equal({ 'All 1': 'munki-mac-1' });
  });

  it('munki: conditions are criteria, on the way to a manifest too; what cannot be said gives nobody anything', () => {
    const proposed = repository(
      [munkiItem('Arm', '1'), munkiItem('Laptop', '1')],
      [
        manifest('site_default', {
          conditional_items: [
            { condition: 'arch == "arm64"', included_manifests: ['arm'] },
            { condition: 'machine_type == "laptop"', managed_installs: ['Laptop'] },
          ],
        }),
        manifest('arm', { conditional_items: [{ condition: 'os_vers_major >= 14', managed_installs: ['Arm'] }] }),
      ],
    );
    expect(scopes(proposed)['Laptop 1']).to.equal('none');
    expect(Object.values(criteria(proposed))).to.deep.equal(['cpu is arm64 and os-version >= 14']);
    expect(proposed.gaps.map(({ key, item }) => [key, item])).to.deep.include(['conditional_items', 'site_default']);
  });

  it('munki: manifests that include each other come to an end', () => {
    const proposed = repository(
      [munkiItem('All', '1')],
      [
        manifest('site_default', { included_manifests: ['a'] }),
        manifest('a', { included_manifests: ['b', 'site_default'] }),
        manifest('b', { included_manifests: ['a'], managed_installs: ['All'] }),
      ],
    );
    expect(scopes(proposed)).to.deep.equal({ 'All 1': 'standard' });
  });

  it('munki: what is required comes with what requires it, and an update where that is installed', () => {
    const proposed = repository(
      [
        munkiItem('Base', '1'),
        munkiItem('Middle', '1', { requires: ['Base'] }),
        munkiItem('Top', '1', { requires: ['Middle-1'] }),
        munkiItem('Patch', '1', { update_for: 'Top' }),
      ],
      [manifest('mac-1', { managed_installs: ['Top'] })],
    );
    expect(scopes(proposed)).to.deep.equal({
      'Base 1': 'munki-has-Middle,munki-has-Top,munki-mac-1',
      'Middle 1': 'munki-has-Top,munki-mac-1',
      'Patch 1': 'munki-has-Top',
      'Top 1': 'munki-mac-1',
    });
    expect(criteria(proposed)['munki-has-Top']).to.equal('installed is Top');
    expect(proposed.gaps.filter(({ key }) => key === 'requires').map(({ item }) => item)).to.deep.equal([
      'Middle 1',
      'Top 1',
    ]);
  });

  it('munki: installable_condition excludes who does not meet it', () => {
    const proposed = repository([
      munkiItem('Tool', '1', { installable_condition: 'arch == "arm64"' }),
      munkiItem('Other', '1', { installable_condition: 'x == 1' }),
    ]);
    const [other, tool] = proposed.proposals.map(({ typed }) => typed.excludedGroups);
    expect(other).to.equal('none');
    expect(criteria(proposed)).to.deep.equal({ [tool as string]: 'cpu is not arm64' });
    expect(proposed.gaps.map(({ key }) => key)).to.deep.equal(['installable_condition']);
  });

  it('munki: what is managed does not expire', () => {
    const unused = {
      unused_software_removal_info: { removal_days: 30 },
      installs: [{ type: 'application', path: '/Applications/T.app' }],
    };
    const items = [munkiItem('Tool', '1', unused)];
    expect(repository(items).proposals[0]?.typed.expiration).to.equal('30');
    const managed = repository(items, [manifest('site_default', { managed_installs: ['Tool'] })]);
    expect(managed.proposals[0]?.typed).to.deep.include({ expiration: '0', expirationPaths: 'none' });
  });

  it('munki: an older one for Macs the newest is not for is told', () => {
    const { gaps } = repository([
      munkiItem('Tool', '1', { minimum_os_version: '11.0' }),
      munkiItem('Tool', '2', { minimum_os_version: '14.0' }),
    ]);
    expect(gaps.map(({ item, key }) => [item, key])).to.deep.equal([['Tool 1', 'catalogs']]);
  });

  it('munki: lists of a manifest without a counterpart, and catalogs of pilots, are told', () => {
    const { gaps } = repository(
      [munkiItem('Tool', '1')],
      [
        manifest('mac-1', {
          catalogs: ['testing', 'production'],
          managed_uninstalls: ['Tool'],
          optional_installs: ['Tool'],
          featured_items: ['Tool'],
          default_installs: ['Tool'],
          managed_updates: ['Tool'],
          managed_installs: ['Lost', 'Tool-1'],
          included_manifests: ['gone'],
        }),
      ],
    );
    expect(gaps.map(({ key }) => key).toSorted()).to.deep.equal([
      'catalogs',
      'default_installs',
      'featured_items',
      'included_manifests',
      'managed_installs',
      'managed_installs',
      'managed_uninstalls',
      'optional_installs',
    ]);
  });

  it('munki: whatever a repository says, each item comes to exactly one thing, and always to the same', () => {
    const name = fc.constantFrom('A', 'a', 'B b', 'B-b', 'C', '…', 'D'.repeat(70));
    const item = fc.record({
      name,
      version: fc.constantFrom('1', '1.0', '2', 'x y', '3b1'),
      catalogs: fc.subarray(['testing', 'production', 'other']),
      requires: fc.array(name, { maxLength: 2 }),
      updateFor: fc.array(name, { maxLength: 2 }),
      minimumOs: fc.option(fc.constantFrom('13', 'nonsense', '99')),
      maximumOs: fc.option(fc.constantFrom('12', '15.9')),
      installableCondition: fc.option(fc.constantFrom('arch == "arm64"', 'nonsense')),
      displayName: fc.constantFrom('', 'Same'),
    });
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 12 }),
        fc.array(fc.array(name, { maxLength: 3 }), { maxLength: 3 }),
        (items, lists) => {
          const all = items.map((each, at) => ({ ...munkiItem('X', '1'), ...each, from: `pkgsinfo/${at}` }));
          const manifests = lists.map((installs, at) =>
            manifest(at === 0 ? 'site_default' : `mac-${at}`, { managed_installs: installs }),
          );
          const proposed = repository(all, manifests);
          const told = [...proposed.proposals, ...proposed.leftOut, ...proposed.problems].map(({ from }) => from);
          expect(told.toSorted()).to.deep.equal(all.map(({ from }) => from).toSorted());
          const identities = proposed.proposals.map(({ basename, version }) => `${basename} ${version}`.toLowerCase());
          expect(new Set(identities).size).to.equal(identities.length);
          const names = new Set(['standard', 'none', ...proposed.groups.map((group) => group.name)]);
          for (const { typed } of proposed.proposals)
            for (const group of `${typed.autoGroups},${typed.excludedGroups}`.split(','))
              expect(names.has(group), group).to.equal(true);
          expect(repository(all.toReversed(), manifests.toReversed()).proposals).to.deep.equal(proposed.proposals);
        },
      ),
    );
  });
});
