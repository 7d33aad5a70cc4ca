import { expect } from 'chai';
import fc from 'fast-check';
import { cpuByName, osAllowed, osLimitProblem } from '../../src/catalog/limits.ts';

const mac = (version: string) => ({ name: 'macOS', version });

describe('OS limits', () => {
  const table: [limit: string, os: string, allowed: boolean][] = [
    ['>=10.9.5', 'macOS 10.9.5', true],
    ['>=10.9.5', 'macOS 10.9.4', false],
    ['>=10.9.5', 'macOS 10.9', false],
    ['>=10.9.5', 'macOS 10.10', true],
    ['>=10.9.5', 'macOS 10.15.7', true],
    ['>= 10.9.5', 'macOS 11.0', true],
    ['>=10.10', 'macOS 10.9.5', false],
    ['10.9.x', 'macOS 10.9', true],
    ['10.9.x', 'macOS 10.9.5', true],
    ['10.9.x', 'macOS 10.10.5', false],
    ['10.9.x', 'macOS 10.90', false],
    ['13.x', 'macOS 13.6.1', true],
    ['13.0.x', 'macOS 13', true],
    ['13.0.x', 'macOS 13.1', false],
    ['10.9', 'macOS 10.9', true],
    ['10.9', 'macOS 10.9.0', true],
    ['10.9', 'macOS 10.9.1', false],
    ['10.9.5', 'macOS 10.9.5', true],
    ['10.9.5', 'macOS 10.9.50', false],
    ['13', 'macOS 13.6', true],
    ['13', 'macOS 13', true],
    ['13', 'macOS 130.1', false],
    ['macOS 13', 'macOS 13.1', true],
    ['macos 13', 'macOS 13.1', true],
    ['13', 'debian 13', false],
    ['>=10.9.5', 'debian 12', false],
    ['debian 12', 'debian 12', true],
    ['debian 12', 'debian 12.7', true],
    ['debian 12', 'macOS 12.7', false],
    ['debian >=12', 'debian 13', true],
    ['debian>=12', 'debian 13', true],
    ['debian >=12', 'debian 11', false],
    ['ubuntu 22.04', 'ubuntu 22.04', true],
    ['ubuntu 22.04', 'ubuntu 22.10', false],
    ['ubuntu 22.x', 'ubuntu 22.10', true],
    ['opensuse-leap 15.5', 'opensuse-leap 15.5', true],
    ['debian 12', 'debian ', false],
    ['ubuntu 24.04', 'ubuntu 24.04', true],
    ['ubuntu 24.04', 'ubuntu 24.10', false],
    ['ubuntu >=24.04', 'ubuntu 26.04', true],
    ['ubuntu >=24.04', 'ubuntu 22.04', false],
    ['arch >=1', 'arch rolling', false],
    ['arch >=0', 'arch rolling', true],
    ['opensuse-tumbleweed >=20250101', 'opensuse-tumbleweed 20260115', true],
    ['>=11', 'macOS 10.16', true],
    ['11.0', 'macOS 10.16', true],
    ['10.x', 'macOS 10.16', false],
    ['like debian', 'debian 12', true],
    ['like Debian', 'debian 12', true],
    ['like macos', 'macOS 15', true],
    ['like debian', 'fedora 41', false],
  ];
  for (const [limit, os, allowed] of table) {
    it(`${limit} ${allowed ? 'lets' : 'does not let'} ${os} have it`, () => {
      const [name = '', version = ''] = os.split(' ');
      expect(osLimitProblem(limit)).to.equal(null);
      expect(osAllowed([limit], { name, version })).to.equal(allowed);
    });
  }

  it('depot3:B21 has no ceiling: >=10.9.5 lets every major from 11 to 27 and later have it', () => {
    for (let major = 11; major <= 27; major += 1) {
      expect(osAllowed(['>=10.9.5'], mac(`${major}.0`)), `${major}.0`).to.equal(true);
      expect(osAllowed(['>=10.9.5'], mac(String(major))), String(major)).to.equal(true);
    }
    expect(osAllowed(['>=10.9.5'], mac('99.9.9'))).to.equal(true);
  });

  it('depot3:B21 what is made from a distribution is like it, but has none of its versions', () => {
    const mint = { name: 'linuxmint', version: '22', like: ['ubuntu', 'debian'] };
    const raspbian = { name: 'raspbian', version: '12', like: ['debian'] };
    expect(osAllowed(['like debian'], mint)).to.equal(true);
    expect(osAllowed(['like ubuntu'], mint)).to.equal(true);
    expect(osAllowed(['like linuxmint'], mint)).to.equal(true);
    expect(osAllowed(['like fedora'], mint)).to.equal(false);
    expect(osAllowed(['ubuntu 22', 'ubuntu >=14', 'debian >=0'], mint)).to.equal(false);
    expect(osAllowed(['debian 12'], raspbian)).to.equal(false);
    expect(osAllowed(['debian 12', 'raspbian 12'], raspbian)).to.equal(true);
  });

  it('no limit lets every OS have it, and of several any one suffices', () => {
    expect(osAllowed([], { name: 'plan9', version: '4' })).to.equal(true);
    expect(osAllowed(['13', 'debian 12'], { name: 'debian', version: '12' })).to.equal(true);
    expect(osAllowed(['13', 'debian 12'], mac('13.2'))).to.equal(true);
    expect(osAllowed(['13', 'debian 12'], mac('14.2'))).to.equal(false);
  });

  const malformed = ['', 'x', '10.9.', '.9', '10..9', '>=', '>=10.x', '>10.9', '<=10.9', '=10.9', '10.x.5', '10.9.X'];
  for (const limit of [
    ...malformed,
    '10.9 11',
    'debian',
    'debian12',
    'macos13',
    '12 debian',
    '-1',
    '123456789',
    'like',
    'like debian 12',
    'likedebian',
    'like >=12',
  ]) {
    it(`${JSON.stringify(limit)} is malformed: told so, and never met`, () => {
      expect(osLimitProblem(limit)).to.include(`"${limit}"`);
      expect(osAllowed([limit], mac('10.9'))).to.equal(false);
      expect(osAllowed([limit], { name: 'debian', version: '12' })).to.equal(false);
    });
  }

  it('compares by number, part by part', () => {
    const parts = fc.array(fc.nat(40), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (wanted, has) => {
        const pad = (numbers: number[]) => [0, 1, 2, 3].map((at) => String(numbers[at] ?? 0).padStart(3, '0')).join();
        const [limit, os] = [wanted.join('.'), mac(has.join('.'))];
        expect(osAllowed([`>=${limit}`], os)).to.equal(pad(has) >= pad(wanted));
        if (wanted.length > 1) expect(osAllowed([limit], os)).to.equal(pad(has) === pad(wanted));
      }),
    );
  });
});

describe('CPU names', () => {
  const table: [name: string, cpu: string | null][] = [
    ['x86_64', 'x86_64'],
    ['x86-64', 'x86_64'],
    ['x64', 'x86_64'],
    ['amd64', 'x86_64'],
    ['AMD64', 'x86_64'],
    ['x86', 'x86_64'],
    ['intel', 'x86_64'],
    ['Intel', 'x86_64'],
    ['i386', 'x86_64'],
    ['arm64', 'arm64'],
    ['aarch64', 'arm64'],
    ['arm', 'arm64'],
    ['ppc', null],
    ['riscv64', null],
    ['', null],
    ['constructor', null],
    ['__proto__', null],
  ];
  for (const [name, cpu] of table) {
    it(`${JSON.stringify(name)} means ${cpu}`, () => expect(cpuByName(name)).to.equal(cpu));
  }

  it('depot3:BUG-54 arm64 machines are never ppc or x86, by whatever name they go', () => {
    for (const name of ['arm', 'arm64', 'aarch64', 'ARM64']) {
      expect(cpuByName(name), name).to.equal('arm64');
      expect(cpuByName(name), name).not.to.equal(cpuByName('x86'));
      expect(cpuByName(name), name).not.to.equal(cpuByName('ppc'));
    }
  });
});
