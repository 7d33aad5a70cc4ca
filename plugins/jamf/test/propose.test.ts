import { expect } from 'chai';
import fc from 'fast-check';
import { type Known, propose } from '../src/import/propose.ts';

const NOTHING: Known = { basenames: [], ofApplePackage: new Map() };
const of = (fileName: string, packageName = fileName) => propose({ fileName, packageName }, NOTHING);

describe('what a package of Jamf Pro is proposed as', () => {
  const NAMES: readonly (readonly [string, string, string, string])[] = [
    ['Firefox 128.0.3.pkg', 'firefox', '128.0.3', 'likely'],
    ['GoogleChrome-126.0.6478.127.pkg', 'googlechrome', '126.0.6478.127', 'likely'],
    ['Office_16.87_BusinessPro_Installer.pkg', 'office-businesspro', '16.87', 'likely'],
    ['Xcode_15.4.dmg.zip', 'xcode', '15.4', 'likely'],
    ['printer drivers v2 (final).pkg', 'printer-drivers', '2', 'guess'],
    ['Zoom.pkg', 'zoom', '', 'guess'],
    ['BBEDIT 15.1.1.DMG', 'bbedit', '15.1.1', 'likely'],
    ['TextMate2.pkg', 'textmate2', '', 'guess'],
    ['1Password-8.10.36.pkg', '1password', '8.10.36', 'likely'],
    ['7zip_24.07_arm64.pkg', '7zip', '24.07', 'likely'],
    ['python-3.12.4-macos11.pkg', 'python', '3.12.4', 'likely'],
    ['Xcode_15.4_for_macOS_14.0.pkg', 'xcode', '15.4', 'likely'],
    ['Adobe Photoshop 2024 25.3.1.pkg', 'adobe-photoshop-2024', '25.3.1', 'likely'],
    ['Zoom 6.0.11 (35001).pkg', 'zoom', '6.0.11', 'likely'],
    ['Firefox128.0.3.pkg', 'firefox', '128.0.3', 'likely'],
    ['tool-1.2-3.pkg', 'tool', '1.2', 'likely'],
    ['tool_1.2~rc1-1_amd64.deb', 'tool', '1.2~rc1-1', 'likely'],
    ['tool_1%3a2.3-4_amd64.deb', 'tool', '1_2.3-4', 'likely'],
    ['agent-1718031600.pkg', 'agent', '1718031600', 'guess'],
    ['backup 2024-01-15.pkg', 'backup', '2024.01.15', 'guess'],
    ['fonts_20240115.pkg', 'fonts', '2024.01.15', 'guess'],
    ['Éditeur Ünïcode 3.1.pkg', 'editeur-unicode', '3.1', 'likely'],
    ['Google%20Earth%207.3.6.pkg', 'google-earth', '7.3.6', 'likely'],
    ['日本語 2.0.pkg', '', '2.0', 'guess'],
    ['App 1.0 beta2.pkg', 'app', '1.0beta2', 'likely'],
    ['Java 8 Update 401.pkg', 'java-8', '401', 'guess'],
    ['.pkg', '', '', 'guess'],
    ['2024.pkg', '2024', '', 'guess'],
    ['tool 1.0 and 2.0.pkg', 'tool-and-2.0', '1.0', 'guess'],
    ['tool-1.0-1.0.pkg', 'tool', '1.0', 'likely'],
  ];
  for (const [file, basename, version, sure] of NAMES)
    it(`depot3:J11 ${file} is ${basename || 'nothing d3 could name'} ${version || 'without a version'} (${sure})`, () => {
      expect(of(file)).to.deep.include({ basename, version, sure });
      expect(of(file).why).not.to.equal('');
    });

  it('depot3:J11 a file named as d3 names files gives its revision too', () => {
    expect(of('tool-1.2-3.pkg').revision).to.equal(3);
    expect(of('Firefox 128.0.3.pkg').revision).to.equal(null);
  });

  it('depot3:J11 a basename d3 has is taken as d3 spells it, and that makes it sure', () => {
    const known = { ...NOTHING, basenames: ['google-chrome'] };
    const proposal = propose({ fileName: 'GoogleChrome-126.0.pkg', packageName: 'Chrome' }, known);
    expect(proposal).to.deep.include({ basename: 'google-chrome', version: '126.0', sure: 'sure' });
    expect(proposal.why).to.equal('d3 has google-chrome');
  });

  it('depot3:J11 the Apple package inside counts more than any name', () => {
    const ofApplePackage = new Map([['org.mozilla.firefox', new Set(['browser'])]]);
    const inside = { receipts: ['org.mozilla.firefox'], version: '128.0.3' };
    const named = { fileName: 'Firefox 128.0.3.pkg', packageName: 'Firefox' };
    const proposal = propose(named, { basenames: ['browser', 'firefox'], ofApplePackage }, inside);
    expect(proposal).to.deep.include({ basename: 'browser', version: '128.0.3', sure: 'sure' });
    expect(proposal.why).to.contain('org.mozilla.firefox');
  });

  it('depot3:J11 an Apple package that several basenames have decides nothing', () => {
    const ofApplePackage = new Map([['com.example.lib', new Set(['one', 'two'])]]);
    const inside = { receipts: ['com.example.lib'], version: '1.0' };
    const proposal = propose(
      { fileName: 'Lib 1.0.pkg', packageName: 'Lib' },
      { basenames: ['lib'], ofApplePackage },
      inside,
    );
    expect(proposal).to.deep.include({ basename: 'lib', sure: 'guess' });
    expect(proposal.why).to.contain('one and two');
  });

  it('depot3:J11 what the names and the file say of the version is held against each other', () => {
    const version = (fileName: string, packageName: string, own: string | null) => {
      const inside = own === null ? null : { receipts: [], version: own };
      const { version: said, sure, why } = propose({ fileName, packageName }, NOTHING, inside);
      return [said, sure, why];
    };
    expect(version('Tool.pkg', 'Tool 2.1', null)).to.deep.equal([
      '2.1',
      'guess',
      'the version is in the package name only',
    ]);
    expect(version('Tool 2.0.pkg', 'Tool 2.1', null)).to.deep.equal(['2.0', 'guess', 'its package name says 2.1']);
    expect(version('Tool 2.0.pkg', 'Tool 2.1', '2.0')).to.deep.equal(['2.0', 'likely', 'by its file name']);
    expect(version('Tool 2.0.pkg', 'Tool', '1.0')).to.deep.equal(['2.0', 'guess', 'the package itself says 1.0']);
    expect(version('Tool 2.0.pkg', 'Tool', '0.0.0')).to.deep.equal(['2.0', 'likely', 'by its file name']);
    expect(version('Tool.pkg', 'Tool', '2.3')).to.deep.equal(['2.3', 'likely', 'by its file name']);
  });

  it('depot3:J11 of any names it proposes what d3 can be given, or nothing, and is never sure of nothing', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom('Firefox', '128.0', 'v2', '-', '_', ' ', '2024-01-15', '.pkg', '.zip', '%41', '%', '(', 'macOS'),
    );
    const name = fc.array(word, { maxLength: 8 }).map((words) => words.join(''));
    fc.assert(
      fc.property(name, name, fc.option(name), (fileName, packageName, version) => {
        const inside = version === null ? null : { receipts: [], version };
        const proposal = propose({ fileName, packageName }, NOTHING, inside);
        expect(proposal.basename).to.match(/^(?:[A-Za-z0-9][A-Za-z0-9._+-]{0,59})?$/);
        expect(proposal.version).to.match(/^(?:[A-Za-z0-9][A-Za-z0-9._+~-]{0,29})?$/);
        if (proposal.basename === '' || proposal.version === '') expect(proposal.sure).to.equal('guess');
        expect(proposal.why).not.to.equal('');
      }),
      { numRuns: 3000 },
    );
  });
});
