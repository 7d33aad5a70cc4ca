import { expect } from 'chai';
import fc from 'fast-check';
import { parseOsRelease } from '../../src/platform/os-release.ts';

describe('os-release', () => {
  it('depot3:B21 says which distribution it is, and what it is made from', () => {
    const ubuntu =
      'PRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_ID="24.04"\nVERSION="24.04.1 LTS"\nID=ubuntu\nID_LIKE=debian\n';
    expect(parseOsRelease(ubuntu)).to.deep.equal({ name: 'ubuntu', version: '24.04', like: ['debian'] });
    const rocky = 'ID=\'rocky\'\nID_LIKE="rhel  centos fedora"\nVERSION_ID="9.4"\n';
    expect(parseOsRelease(rocky)).to.deep.equal({ name: 'rocky', version: '9.4', like: ['rhel', 'centos', 'fedora'] });
  });

  it('may have no version, or not say what it is', () => {
    expect(parseOsRelease('ID=arch\nBUILD_ID=rolling\n')).to.deep.equal({ name: 'arch', version: 'rolling', like: [] });
    expect(parseOsRelease('')).to.deep.equal({ name: 'linux', version: 'rolling', like: [] });
    expect(parseOsRelease('ID=\nVERSION_ID=""\n#ID=debian\nVARIANT_ID=x\n')).to.deep.equal({
      name: 'linux',
      version: 'rolling',
      like: [],
    });
  });

  it('may be quoted as shells allow, and say a thing twice', () => {
    expect(parseOsRelease('ID=a\r\nID="d\\"e\\\\f"\n  VERSION_ID=1 \n')).to.deep.include({
      name: 'd"e\\f',
      version: '1',
    });
    expect(parseOsRelease('ID="open\nVERSION_ID=\'x')).to.deep.include({ name: '"open', version: "'x" });
  });

  it('may be anything', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((value) => `ID_LIKE=${value}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { name, version, like = [] } = parseOsRelease(lines.join('\n'));
        expect([name, version]).to.not.include('');
        for (const each of like) expect(each).to.match(/^\S+$/u);
      }),
    );
  });
});
