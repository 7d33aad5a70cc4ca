import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { allClaims, type Claimable } from '../../src/platform/claims.ts';
import { dpkgClaims } from '../../src/platform/dpkg-claims.ts';
import { pkgutilClaims } from '../../src/platform/pkgutil-claims.ts';
import type { ProgramAnswer, RunProgram } from '../../src/platform/program.ts';
import { problemsOf } from '../support/errors.ts';

const asked = (paths: string[], folders: string[] = [], keyOf = (at: string) => at): Claimable => ({
  paths: new Set(paths.map(keyOf)),
  folders: folders.map(keyOf),
  keyOf,
});

describe('what other package managers claim', () => {
  describe('dpkg', () => {
    let root: string;
    let info: string;
    beforeEach(() => {
      root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-claims-')));
      info = path.join(root, 'var/lib/dpkg/info');
    });
    afterEach(() => rmSync(root, { recursive: true, force: true }));

    const claimed = async (...request: Parameters<typeof asked>) =>
      Object.fromEntries(await dpkgClaims(root).claimed(asked(...request), []));

    it('claims nothing where it never was', async () => {
      expect(await claimed(['/opt/a'])).to.deep.equal({});
      mkdirSync(path.join(root, 'var/lib'), { recursive: true });
      writeFileSync(path.join(root, 'var/lib/dpkg'), '');
      expect(await claimed(['/opt/a'])).to.deep.equal({});
    });

    it('claims just the paths in its lists, and what is in a folder asked about', async () => {
      mkdirSync(info, { recursive: true });
      writeFileSync(
        path.join(info, 'p.list'),
        '/.\n/opt\n/opt/a\n/opt/b c\n/opt/bundle/in\n/opt/bundle-not\nrubbish\n\n',
      );
      writeFileSync(path.join(info, 'p.md5sums'), '/opt/sums');
      expect(
        await claimed(['/opt/a', '/opt/b c', '/opt/b', '/opt/sums', '/opt/A', '/'], ['/opt/bundle']),
      ).to.deep.equal({
        '/opt/a': 'dpkg (p)',
        '/opt/b c': 'dpkg (p)',
        '/opt/bundle/in': 'dpkg (p)',
      });
    });

    it('knows a path by the links at the top of the root, as far as they stay in it', async () => {
      mkdirSync(info, { recursive: true });
      mkdirSync(path.join(root, 'usr/lib'), { recursive: true });
      symlinkSync('usr/lib', path.join(root, 'lib'));
      symlinkSync('/', path.join(root, 'out'));
      symlinkSync('nowhere', path.join(root, 'dangling'));
      writeFileSync(path.join(info, 'p.list'), '/lib/x\n/out/usr/y\n/dangling/z\n/lib\n');
      expect(await claimed(['/usr/lib/x', '/usr/y', '/nowhere/z', '/usr/lib'])).to.deep.equal({
        '/usr/lib/x': 'dpkg (p)',
        '/usr/lib': 'dpkg (p)',
      });
    });

    for (const [what, make] of [
      ['a link', (file: string) => symlinkSync('/etc/hostname', file)],
      ['a folder', (file: string) => mkdirSync(file)],
      ['far too much', (file: string) => (writeFileSync(file, ''), truncateSync(file, 2 ** 40))],
    ] as const) {
      it(`is not guessed at where a list is ${what}`, async () => {
        mkdirSync(info, { recursive: true });
        make(path.join(info, 'x.list'));
        const { problems, exitCode } = await problemsOf(claimed(['/opt/a']));
        expect(exitCode).to.equal(1);
        expect(problems[0]).to.deep.include({ code: 'CLAIMS_UNREADABLE', target: path.join(info, 'x.list') });
      });
    }
  });

  describe("Apple's installer", () => {
    const calls: string[][] = [];
    const answer = (stdout: string, code = 0): ProgramAnswer => ({
      code,
      signal: null,
      timedOut: false,
      stdout,
      stderr: '',
      cut: false,
      lastLines: stdout.split('\n').slice(-1),
    });
    /** Answers as pkgutil was recorded to. */
    const RECORDED: Record<string, string> = {
      '--pkgs': 'com.apple.pkg.Core\norg.example.app\norg.example.plugin\ncom.gone\n',
      '--files org.example.app': 'X.app\nX.app/Contents\nX.app/Contents/Info.plist\n',
      '--pkg-info org.example.app':
        'package-id: org.example.app\nversion: 1.0\nvolume: /\nlocation: Applications\ninstall-time: 1500000000\n',
      '--files org.example.plugin': 'Applications\nApplications/x.APP/Contents/PlugIns/p\nApplications/other\n',
      '--pkg-info org.example.plugin': 'package-id: org.example.plugin\nversion: 1\nvolume: /\nlocation: \n',
      '--files com.apple.pkg.Core': 'bin/ls\n',
    };
    const run: RunProgram = async ({ args }) => {
      calls.push([...args]);
      const said = RECORDED[args.join(' ')];
      return said === undefined ? answer(`No receipt for '${args[1]}' found at '/'.`, 1) : answer(said);
    };
    const fold = (at: string) => at.toLowerCase();
    const claims = pkgutilClaims('/usr/sbin/pkgutil', run);

    it('claims what its receipts list below their location, but for those of the package itself', async () => {
      const request = asked(
        ['/Applications/X.app/Contents/Info.plist', '/Applications'],
        ['/Applications/X.app'],
        fold,
      );
      expect(Object.fromEntries(await claims.claimed(request, []))).to.deep.equal({
        '/applications': "Apple's receipt org.example.plugin",
        '/applications/x.app/contents': "Apple's receipt org.example.app",
        '/applications/x.app/contents/info.plist': "Apple's receipt org.example.app",
        '/applications/x.app/contents/plugins/p': "Apple's receipt org.example.plugin",
      });
      expect(
        Object.fromEntries(await claims.claimed(request, ['org.example.app', 'org.example.plugin'])),
      ).to.deep.equal({});
    });

    it('is asked for the location only of receipts that could concern it', async () => {
      calls.length = 0;
      await claims.claimed(asked(['/Applications/other']), []);
      expect(calls.filter(([verb]) => verb === '--pkg-info')).to.deep.equal([['--pkg-info', 'org.example.plugin']]);
    });

    it('is not guessed at where it does not answer', async () => {
      const broken = pkgutilClaims('/usr/sbin/pkgutil', async () => answer('out of order', 1));
      const { problems } = await problemsOf(Promise.resolve(broken.claimed(asked(['/a']), [])));
      expect(problems[0]).to.deep.include({ code: 'CLAIMS_UNREADABLE', exit: 'failed' });
      expect(problems[0]?.message).to.include('out of order');
    });

    it('counts together with others', async () => {
      const other = { claimed: async () => new Map([['/b', 'other']]) };
      const both = allClaims([other, claims]);
      expect([...(await both.claimed(asked(['/bin/ls', '/b']), []))]).to.deep.equal([
        ['/b', 'other'],
        ['/bin/ls', "Apple's receipt com.apple.pkg.Core"],
      ]);
    });
  });
});
