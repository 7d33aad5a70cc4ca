import { expect } from 'chai';
import fc from 'fast-check';
import { machinePaths } from '../../src/platform/paths.ts';
import { mountPointsIn, protectionOf } from '../../src/platform/protection.ts';

const same = (at: string) => at;

describe('what no removal may take away', () => {
  const linux = protectionOf(machinePaths('/', 'linux'), ['/srv/data'], same);
  const mac = protectionOf(machinePaths('/', 'darwin'), [], (at) => at.toLowerCase());
  const folder = protectionOf(machinePaths('/mnt/a', 'linux'), [], same);

  it('is what the system stands on, homes, what is mounted, and d3 itself', () => {
    const places = [
      '/',
      '/usr',
      '/usr/bin',
      '/etc',
      '/etc/passwd',
      '/dev/null',
      '/proc/1/mem',
      '/home/calvin',
      '/root',
    ];
    const own = ['/srv/data', '/var/lib/d3/state.db', '/var/lib/d3', '/var/cache/d3/x', '/etc/d3.json'];
    for (const at of places.concat(own)) expect(linux(at), at).to.be.a('string');
    for (const at of [
      '/usr/bin/tool',
      '/etc/tool.conf',
      '/home/calvin/.tool',
      '/srv/data/x',
      '/opt/tool',
      '/var/lib/d3x',
    ])
      expect(linux(at), at).to.equal(null);
  });

  it('is so on a Mac by any spelling of its name', () => {
    const own = '/library/application support/D3/state.db';
    for (const at of ['/System/Library/x', '/SYSTEM', '/applications', '/Users/calvin', '/private/etc/hosts', own])
      expect(mac(at), at).to.be.a('string');
    for (const at of ['/Applications/X.app', '/Library/Fonts/f.ttf', '/Users/calvin/Applications/X.app'])
      expect(mac(at), at).to.equal(null);
  });

  it('in a root folder leaves the folders d3 made there to be removed, but never the root, homes or d3', () => {
    for (const at of ['/opt', '/usr/bin', '/Applications']) expect(folder(at), at).to.equal(null);
    for (const at of ['/', '/home/a', '/etc/shadow', '/var/lib/d3/state.db', '/facts.json', '/etc/d3.yaml', '/dev/x'])
      expect(folder(at), at).to.be.a('string');
  });

  it('holds for everything in a place that is protected as a whole', () => {
    const below = fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 4 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.constantFrom('/proc', '/dev', '/System', '/var/lib/d3', '/var/cache/d3'), below, (tree, rest) => {
        expect(linux(`${tree}/${rest}`)).to.be.a('string');
      }),
    );
  });

  it('knows what is mounted in a root', async function () {
    if (process.platform !== 'linux') this.skip();
    expect(await mountPointsIn('/')).to.include.members(['/', '/proc']);
    expect(await mountPointsIn('/proc')).to.include('/');
    expect((await mountPointsIn('/proc')).some((at) => at.startsWith('/..'))).to.equal(false);
  });
});
