import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { writeBom } from '../src/bom/write.ts';
import { cksumOf } from '../src/cksum.ts';
import {
  type Component,
  DEFAULT_LIMITS,
  extractTo,
  FlatpkgError,
  inspect,
  type Limits,
  listFiles,
  stage,
  verify,
} from '../src/index.ts';
import { readPlist } from '../src/plist.ts';
import { ZipArchive } from '../src/zip/read.ts';
import { cpio, dir, file, link } from './helpers/craft.ts';
import {
  bundle,
  type CraftedZip,
  type CraftedZipMember,
  IDENTIFIER,
  plist,
  STREAMED,
  zip,
} from './helpers/craft-zip.ts';
import { failureOf } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

const MiB = 1024 * 1024;
const PAYLOAD = [
  dir('.'),
  dir('./bin'),
  file('./bin/tool', 'hello', { mode: 0o100755, ino: 7, nlink: 1 }),
  link('./l', 'bin'),
];
const RESOURCES = 'Example.pkg/Contents/Resources';
const string = (key: string, text: string) => `<key>${key}</key><string>${text}</string>`;
const integer = (key: string, text: string | number) => `<key>${key}</key><integer>${text}</integer>`;
const script = (name: string): CraftedZipMember => ({
  name: `${RESOURCES}/${name}`,
  content: '#!/bin/sh\n',
  mode: 0o100755,
});
const member = (name: string, more: Partial<CraftedZipMember> = {}): CraftedZipMember => ({
  name,
  content: 'x',
  ...more,
});

describe('bundle-style packages in a zip', () => {
  const temp = useTempFolder();
  const write = (members: CraftedZipMember[], lies: CraftedZip = {}) => temp.write('x.zip', zip(members, lies));
  const component = async (inside: string, more: CraftedZipMember[] = []): Promise<Component> => {
    const { components } = await inspect(write(bundle({ info: plist(IDENTIFIER + inside) }, more)));
    return components[0] as Component;
  };

  it('are component packages, whatever lies beside them', async () => {
    const beside = ['__MACOSX/Other.pkg/Contents/Info.plist', '._Other.pkg/x', '.DS_Store', 'Read me.txt'];
    const members = [...bundle({ payload: PAYLOAD }), ...beside.map((name) => member(name))];
    const summary = await inspect(write(members, { comment: 'made by hand' }));
    const { format, kind, version, tocChecksum, restart, distribution, signature, receipts, warnings } = summary;
    expect({ format, kind, version, tocChecksum, restart, distribution, signature, receipts, warnings }).to.deep.equal({
      format: 'bundle',
      kind: 'component',
      version: '0',
      tocChecksum: null,
      restart: 'none',
      distribution: null,
      signature: null,
      receipts: ['com.example.bundle'],
      warnings: [],
    });
    expect(summary.components).to.deep.equal([
      {
        directory: null,
        identifier: 'com.example.bundle',
        version: '0',
        installLocation: '/',
        selected: true,
        auth: null,
        restart: 'none',
        scripts: [],
        hasScriptsArchive: false,
        hasPayload: true,
        numberOfFiles: null,
        installKBytes: null,
        relocatable: false,
        relocate: [],
        minimumSystemVersion: null,
        bundles: [],
        mustClose: [],
      },
    ]);
    expect(summary.members.map(({ path }) => path)).to.include.members(['Example.pkg', ...beside]);
    expect(summary.members.find(({ path }) => path === 'Example.pkg')?.type).to.equal('directory');
  });

  const model: [inside: string, key: keyof Component, value: unknown][] = [
    [string('CFBundleShortVersionString', '1.2b3') + integer('IFMajorVersion', 9), 'version', '1.2b3'],
    [integer('IFMajorVersion', 4) + integer('IFMinorVersion', 2), 'version', '4.2'],
    [integer('IFMinorVersion', 2), 'version', '0.2'],
    [string('IFPkgFlagDefaultLocation', '/Library//x/'), 'installLocation', '/Library/x'],
    [integer('IFPkgFlagInstalledSize', 120), 'installKBytes', 120],
    [integer('IFPkgFlagInstalledSize', -1), 'installKBytes', null],
    ['<key>IFPkgFlagRelocatable</key><true/>', 'relocatable', true],
    ['<key>IFPkgFlagRelocatable</key><false/>', 'relocatable', false],
    [string('IFPkgFlagAuthorizationAction', 'RootAuthorization'), 'auth', 'root'],
    [string('IFPkgFlagAuthorizationAction', 'AdminAuthorization'), 'auth', 'root'],
    [string('IFPkgFlagAuthorizationAction', 'NoAuthorization'), 'auth', 'none'],
    [string('IFPkgFlagAuthorizationAction', 'Other'), 'auth', 'Other'],
    [string('IFPkgFlagRestartAction', 'NoRestart'), 'restart', 'none'],
    [string('IFPkgFlagRestartAction', 'RequireLogout'), 'restart', 'logout'],
    [string('IFPkgFlagRestartAction', 'RequiredLogout'), 'restart', 'logout'],
    [string('IFPkgFlagRestartAction', 'RecommendedRestart'), 'restart', 'restart'],
    [string('IFPkgFlagRestartAction', 'RequiredRestart'), 'restart', 'restart'],
    [string('IFPkgFlagRestartAction', 'Shutdown'), 'restart', 'shutdown'],
    [
      '<key>other</key><array><dict/><data>AQ==</data><real>.5e1</real><date>2001-01-01T00:00:00Z</date></array>',
      'version',
      '0',
    ],
  ];
  for (const [inside, key, value] of model) {
    it(`read ${inside} as the ${key} ${JSON.stringify(value)}`, async () => {
      expect((await component(inside))[key]).to.equal(value);
    });
  }

  it('keep an identifier that begins with "(null)"', async () => {
    const info = plist(string('CFBundleIdentifier', '(null).x.root.pkg'));
    expect((await inspect(write(bundle({ info })))).receipts).to.deep.equal(['(null).x.root.pkg']);
  });

  it('warn of a restart action nobody knows', async () => {
    const path = write(bundle({ info: plist(IDENTIFIER + string('IFPkgFlagRestartAction', 'Per\u0085haps')) }));
    const { restart, warnings } = await inspect(path);
    expect(restart).to.equal('none');
    expect(warnings).to.deep.equal([
      'Example.pkg/Contents/Info.plist: unknown restart action "Per\\u{85}haps", taken as none',
    ]);
  });

  it('name the scripts in the order macOS runs them, links as well, and what decides whether it may be installed', async () => {
    const names = ['postflight', 'preinstall', 'postupgrade', 'preflight2', 'postinstall', 'InstallationCheck'];
    const found = [
      ...names.map(script),
      { ...script('preflight'), mode: 0o120777 },
      member(`${RESOURCES}/preupgrade/x`),
    ];
    const summary = await inspect(write(bundle({}, found)));
    expect(summary.components[0]?.scripts).to.deep.equal([
      'preflight',
      'preinstall',
      'postinstall',
      'postupgrade',
      'postflight',
    ]);
    expect(summary.warnings).to.have.length(2);
    expect(summary.warnings.join('\n'))
      .to.match(/InstallationCheck: decides/)
      .and.match(/are named, not unpacked/);
  });

  it('take what Info.plist leaves open from an .info file of the oldest kind, the English one first', async () => {
    const text =
      '# old\nTitle Old Things\nVersion 10.0.4  \r\nDefaultLocation /Library/Old Things\nRequiresReboot YES\n';
    const found = [
      member(`${RESOURCES}/Dutch.lproj/Old.info`, { content: 'Version 1\n' }),
      member(`${RESOURCES}/English.lproj/Old.info`, { content: text }),
      member(`${RESOURCES}/English.lproj/._Old.info`, { content: 'Version 2\n' }),
    ];
    const { version, installLocation, restart } = await component('', found);
    expect([version, installLocation, restart]).to.deep.equal(['10.0.4', '/Library/Old Things', 'restart']);
    const keys = string('CFBundleShortVersionString', '2') + string('IFPkgFlagRestartAction', 'NoRestart');
    const newer = await component(keys + string('IFPkgFlagDefaultLocation', '/'), found);
    expect([newer.version, newer.installLocation, newer.restart]).to.deep.equal(['2', '/', 'none']);
    const latin = Buffer.from('Version 3\nTitle caf\xe9\nRequiresReboot no', 'latin1');
    const other = await component('', [member(`${RESOURCES}/French.lproj/Old.info`, { content: latin })]);
    expect([other.version, other.installLocation, other.restart]).to.deep.equal(['3', '/', 'none']);
  });

  describe('payload', () => {
    const payloads: [what: string, name: string, content: Buffer][] = [
      ['gzip', 'Archive.pax.gz', gzipSync(cpio(PAYLOAD))],
      ['bare', 'Archive.pax', cpio(PAYLOAD)],
    ];
    for (const [what, name, content] of payloads) {
      for (const deflate of [false, true]) {
        it(`is listed, verified and extracted: ${what}, ${deflate ? 'deflated' : 'stored'}`, async () => {
          const bom = writeBom(
            [
              { path: '.', type: 'dir', mode: 0o040755, size: 0, cksum: 0 },
              { path: './bin', type: 'dir', mode: 0o040755, size: 0, cksum: 0 },
              { path: './bin/tool', type: 'file', mode: 0o100755, size: 5, cksum: cksumOf(Buffer.from('hello')) },
              { path: './l', type: 'symlink', mode: 0o120777, size: 3, cksum: cksumOf(Buffer.from('bin')) },
            ].map(
              (source) =>
                ({ uid: 0, gid: 0, mtime: 1e9, target: source.type === 'symlink' ? 'bin' : null, ...source }) as never,
            ),
          );
          const info = plist(IDENTIFIER + string('IFPkgFlagDefaultLocation', '/opt'));
          const parts = [
            member(`Example.pkg/Contents/${name}`, { content, deflate }),
            member('Example.pkg/Contents/Archive.bom', { content: bom, deflate: true }),
          ];
          const path = write(bundle({ info, payload: null }, parts));
          const listed = (await listFiles(path)).entries;
          expect(listed.map((entry) => [entry.absolute, entry.type, entry.cksum])).to.deep.equal([
            ['/opt', 'dir', null],
            ['/opt/bin', 'dir', null],
            ['/opt/bin/tool', 'file', cksumOf(Buffer.from('hello'))],
            ['/opt/l', 'symlink', null],
          ]);
          expect(listed[0]?.component).to.equal('com.example.bundle');
          const { members, warnings } = await verify(path);
          expect(members).to.equal(3);
          expect(warnings).to.deep.equal([]);
          await extractTo(path, temp.path('to'));
          expect(snapshot(temp.path('to'))).to.deep.equal([
            'bin/ 755',
            `bin/tool 755 ${Buffer.from('hello').toString('base64')}`,
            'l -> bin',
          ]);
          expect((await listFiles(path, { part: 'scripts' })).entries).to.deep.equal([]);
        });
      }
    }

    it('may be missing', async () => {
      const path = write(bundle({ payload: null }));
      expect((await inspect(path)).components[0]?.hasPayload).to.equal(false);
      expect((await inspect(path)).receipts).to.deep.equal([]);
      expect((await listFiles(path)).entries).to.deep.equal([]);
      expect((await extractTo(path, temp.path('to'))).entries).to.deep.equal([]);
    });

    it('never goes onto a machine', async () => {
      const path = write(bundle({ payload: PAYLOAD }));
      mkdirSync(temp.path('root'));
      const failure = await failureOf(stage(path, { root: temp.path('root') }));
      expect([failure.kind, failure.code]).to.deep.equal(['unsupported', 'BUNDLE']);
      expect(failure.message).to.match(/repack it as a flat package/);
      expect(readdirSync(temp.path('root'))).to.deep.equal([]);
    });

    it('is not read when there are two, or a link stands in its place', async () => {
      const two = await failureOf(inspect(write(bundle({}, [member('Example.pkg/Contents/Archive.pax')]))));
      expect([two.kind, two.code]).to.deep.equal(['damaged', 'BUNDLE_PAYLOAD']);
      for (const name of ['Archive.pax.gz', 'Archive.bom', 'Info.plist']) {
        const path = `Example.pkg/Contents/${name}`;
        const content = '../../../../../../etc/passwd';
        const failure = await failureOf(inspect(write(bundle({}, [member(path, { content, mode: 0o120777 })]))));
        expect([failure.kind, failure.code, failure.member]).to.deep.equal(['damaged', 'BUNDLE_PART', path]);
      }
    });
  });

  describe('are found', () => {
    it('below other folders, and where no folder is a member', async () => {
      const members = bundle({}, [], 'a folder/b/Example.pkg').filter(({ name }) => !name.toString().endsWith('/'));
      expect((await inspect(write(members))).receipts).to.deep.equal(['com.example.bundle']);
    });

    it('once, whatever packages lie inside', async () => {
      const inside = bundle({}, [], `${RESOURCES}/Other.pkg`);
      expect((await inspect(write(bundle({}, inside)))).receipts).to.deep.equal(['com.example.bundle']);
    });

    const others: [what: string, members: CraftedZipMember[], code: string, text: RegExp][] = [
      ['nothing of the kind', [member('a.txt')], 'NOT_A_PACKAGE', /without a bundle-style package/],
      ['nothing but by-products', bundle({}, [], '__MACOSX/a.pkg'), 'NOT_A_PACKAGE', /without a bundle-style package/],
      ['a flat package', [member('d/Flat.pkg')], 'NOT_A_PACKAGE', /d\/Flat\.pkg; unzip it first/],
      ['a folder without Info.plist', [member('a.pkg/Contents/x')], 'NOT_A_PACKAGE', /^a\.pkg: .*Info\.plist/],
      ['two', [...bundle({}), ...bundle({}, [], 'B.pkg')], 'SEVERAL_PACKAGES', /Example\.pkg, B\.pkg$/],
      ['many', Array.from({ length: 12 }, (_, n) => member(`${n}.pkg/x`)), 'SEVERAL_PACKAGES', /9\.pkg and 2 more$/],
      ['an .mpkg', bundle({}, [], 'All.mpkg'), 'META_PACKAGE', /^All\.mpkg: /],
      [
        'one made of others',
        bundle({ info: plist(`${IDENTIFIER}<key>IFPkgFlagPackageList</key><array/>`) }),
        'META_PACKAGE',
        /^Example\.pkg: /,
      ],
      [
        'one with a Distribution',
        bundle({}, [member('Example.pkg/Contents/distribution.dist')]),
        'META_PACKAGE',
        /^Example\.pkg: /,
      ],
    ];
    for (const [what, members, code, text] of others) {
      it(`or it is said what is there instead: ${what}`, async () => {
        const failure = await failureOf(inspect(write(members)));
        expect([failure.kind, failure.code]).to.deep.equal(['unsupported', code]);
        expect(failure.message).to.match(text);
      });
    }
  });

  describe('Info.plist', () => {
    const path = 'Example.pkg/Contents/Info.plist';
    const wide = (doctype: string) => plist(IDENTIFIER, doctype);
    const deep = '<array>'.repeat(5000) + '</array>'.repeat(5000);
    const laughs = '<!DOCTYPE plist [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>';
    const cases: [what: string, info: string | Buffer, kind: string, code: string][] = [
      ['nested entities', plist(string('CFBundleIdentifier', '&c;'), laughs), 'damaged', 'XML_DOCTYPE'],
      ['an internal subset', wide('<!DOCTYPE plist [<!ELEMENT plist ANY>]>'), 'damaged', 'XML_DOCTYPE'],
      ['an internal subset after a SYSTEM', wide('<!DOCTYPE plist SYSTEM "x" []>'), 'damaged', 'XML_DOCTYPE'],
      ['a bracket in a name', wide('<!DOCTYPE plist SYSTEM "[">'), 'damaged', 'XML_DOCTYPE'],
      ['a document type without a place', wide('<!DOCTYPE plist>'), 'damaged', 'XML_DOCTYPE'],
      ['two document types', wide('<!DOCTYPE plist SYSTEM "x"><!DOCTYPE plist SYSTEM "x">'), 'damaged', 'XML'],
      [
        'an external entity',
        plist(string('CFBundleIdentifier', '&x;'), '<!DOCTYPE plist SYSTEM "file:///etc/passwd">'),
        'damaged',
        'XML',
      ],
      ['5 000 levels', plist(`${IDENTIFIER}<key>x</key>${deep}`), 'damaged', 'XML_DEPTH'],
      [
        'half a million values',
        plist(`<key>x</key><array>${'<true/>'.repeat(500_000)}</array>`),
        'damaged',
        'XML_NODES',
      ],
      ['a binary property list', Buffer.from('bplist00\xd0'), 'unsupported', 'PLIST_BINARY'],
      ['an old property list', '{ CFBundleIdentifier = "x"; }', 'damaged', 'XML'],
      ['UTF-16', Buffer.from(`\ufeff${plist(IDENTIFIER)}`, 'utf16le'), 'unsupported', 'XML_ENCODING'],
      ['no dictionary', '<plist><array/></plist>', 'damaged', 'PLIST'],
      ['another root', '<dict/>', 'damaged', 'PLIST'],
      ['two dictionaries', '<plist><dict/><dict/></plist>', 'damaged', 'PLIST'],
      ['nothing', '', 'damaged', 'XML'],
      ['a key without value', plist(`${IDENTIFIER}<key>x</key>`), 'damaged', 'PLIST'],
      ['a value without key', plist('<true/><true/>'), 'damaged', 'PLIST'],
      ['a key twice', plist(IDENTIFIER + IDENTIFIER), 'damaged', 'PLIST'],
      ['an unknown value', plist(`${IDENTIFIER}<key>x</key><set/>`), 'damaged', 'PLIST'],
      ['an unknown value in an array', plist(`${IDENTIFIER}<key>x</key><array><set/></array>`), 'damaged', 'PLIST'],
      ['an element in a string', plist(`${IDENTIFIER}<key>x</key><string>a<b/></string>`), 'damaged', 'PLIST'],
      ['text in a boolean', plist(`${IDENTIFIER}<key>x</key><true>no</true>`), 'damaged', 'PLIST'],
      ['no number', plist(IDENTIFIER + integer('x', 'many')), 'damaged', 'PLIST'],
      ['no date', plist(`${IDENTIFIER}<key>x</key><date>today</date>`), 'damaged', 'PLIST'],
      ['no base64', plist(`${IDENTIFIER}<key>x</key><data>?</data>`), 'damaged', 'PLIST'],
      ['a number beyond 2^53', plist(IDENTIFIER + integer('IFPkgFlagInstalledSize', 2 ** 60)), 'damaged', 'PLIST_TYPE'],
      ['a number as identifier', plist(integer('CFBundleIdentifier', 1)), 'damaged', 'PLIST_TYPE'],
      ['a string as version number', plist(IDENTIFIER + string('IFMajorVersion', '1')), 'damaged', 'PLIST_TYPE'],
      ['a string as boolean', plist(IDENTIFIER + string('IFPkgFlagRelocatable', 'NO')), 'damaged', 'PLIST_TYPE'],
      ['an identifier that is a path', plist(string('CFBundleIdentifier', '../x')), 'damaged', 'PKGINFO_IDENTIFIER'],
    ];
    for (const [what, info, kind, code] of cases) {
      it(`is not read with ${what}`, async () => {
        const failure = await failureOf(inspect(write(bundle({ info }))));
        expect([failure.kind, failure.code, failure.member]).to.deep.equal([kind, code, path]);
      });
    }

    it('may leave the identifier out: the name of the package stands in for it', async () => {
      const { components, warnings } = await inspect(write(bundle({ info: plist('') })));
      expect(components[0]?.identifier).to.equal('Example');
      expect(warnings.join()).to.include('has no identifier');
    });

    it('may write its version as a number', async () => {
      const info = plist(`${IDENTIFIER}<key>CFBundleShortVersionString</key><real>1.5</real>`);
      expect((await inspect(write(bundle({ info })))).version).to.equal('1.5');
    });

    it('may name its document type in every usual way, and none', () => {
      const types = [
        '',
        '<!DOCTYPE plist SYSTEM "file://localhost/System/x.dtd">',
        "<!DOCTYPE plist\n PUBLIC '-//A//B' 'c' >",
      ];
      for (const type of types)
        expect(readPlist(Buffer.from(wide(type)), path).string('CFBundleIdentifier')).to.equal('com.example.bundle');
    });

    it('may not move the package out of its root', async () => {
      const info = plist(IDENTIFIER + string('IFPkgFlagDefaultLocation', '/a/../../etc'));
      expect((await failureOf(inspect(write(bundle({ info }))))).code).to.equal('NAME');
    });
  });

  describe('archives that lie', () => {
    const plus = (...more: CraftedZipMember[]) => bundle({ payload: PAYLOAD }, more);
    const target = 'Example.pkg/Contents/Archive.pax.gz';
    const payload = (more: Partial<CraftedZipMember>) => {
      return plus({ name: target, content: gzipSync(cpio(PAYLOAD)), deflate: true, ...more });
    };
    const cases: [what: string, members: CraftedZipMember[], kind: string, code: string, member: string | null][] = [
      ['..', plus(member('../evil')), 'damaged', 'NAME', '../evil'],
      ['.. inside', plus(member('a/../../evil')), 'damaged', 'NAME', 'a/../../evil'],
      ['absolute', plus(member('/evil')), 'damaged', 'NAME', '/evil'],
      ['backslash', plus(member('..\\evil')), 'damaged', 'NAME', '..\\evil'],
      ['NUL', plus(member('a\0b')), 'damaged', 'NAME', 'a\0b'],
      ['empty name', plus(member('')), 'damaged', 'NAME', ''],
      ['only a slash', plus(member('/')), 'damaged', 'NAME', ''],
      ['empty part', plus(member('a//b')), 'damaged', 'NAME', 'a//b'],
      ['two slashes at the end', plus(member('a//', { content: '' })), 'damaged', 'NAME', 'a/'],
      ['.', plus(member('./', { content: '' })), 'damaged', 'NAME', './'],
      ['. inside', plus(member('a/./b')), 'damaged', 'NAME', 'a/./b'],
      ['part of 256 bytes', plus(member('n'.repeat(256))), 'damaged', 'NAME', `${'n'.repeat(200)}…`],
      ['path of 1 025 bytes', plus(member(`${'abcd/'.repeat(204)}abcde`)), 'damaged', 'NAME', `${'abcd/'.repeat(40)}…`],
      ['bad UTF-8', plus(member('', { name: Buffer.from([0xff]), flags: 0x800 })), 'damaged', 'NAME', null],
      ['the same name twice', [...plus(), member(target)], 'damaged', 'ZIP_TWICE', target],
      ['the same name with ./', [...plus(), member(`./${target}`)], 'damaged', 'ZIP_TWICE', target],
      ['a folder that is a file', plus(member('a'), member('a/b')), 'damaged', 'ZIP_TYPE', 'a/b'],
      [
        'a folder that is a file, later',
        plus(member('a-b'), member('a/b/c'), member('a')),
        'damaged',
        'ZIP_TYPE',
        'a/b/c',
      ],
      ['a folder that is a link', plus(member('a', { mode: 0o120777 }), member('a/b')), 'damaged', 'ZIP_TYPE', 'a/b'],
      ['a file and a folder', plus(member('a'), member('a/', { content: '' })), 'damaged', 'ZIP_TWICE', 'a'],
      ['a folder with content', plus(member('a/')), 'damaged', 'ZIP_TYPE', 'a'],
      ['a link named like a folder', plus(member('a/', { mode: 0o120777 })), 'damaged', 'ZIP_TYPE', 'a'],
      ['a folder named like a file', plus(member('a', { mode: 0o040755 })), 'damaged', 'ZIP_TYPE', 'a'],
      ['encrypted', payload({ flags: 1 }), 'unsupported', 'ZIP_ENCRYPTED', target],
      ['encrypted by its header only', payload({ local: { flags: 1 } }), 'unsupported', 'ZIP_ENCRYPTED', target],
      ['strong encryption', payload({ flags: 0x41 }), 'unsupported', 'ZIP', null],
      ['bzip2 as method', payload({ method: 12 }), 'unsupported', 'ZIP_METHOD', target],
      ['unknown method', payload({ method: 99 }), 'unsupported', 'ZIP_METHOD', target],
      ['another name in the header', payload({ local: { name: 'other' } }), 'damaged', 'ZIP_HEADER', target],
      ['another method in the header', payload({ local: { method: 0 } }), 'damaged', 'ZIP_HEADER', target],
      ['another checksum in the header', payload({ local: { crc: 1 } }), 'damaged', 'ZIP_HEADER', target],
      ['another size in the header', payload({ local: { size: 1 } }), 'damaged', 'ZIP_HEADER', target],
      ['another stored size in the header', payload({ local: { stored: 1 } }), 'damaged', 'ZIP_HEADER', target],
      ['wrong checksum', payload({ crc: 1 }), 'damaged', 'ZIP_MEMBER_CHECKSUM', target],
      ['wrong checksum of what is no part', plus(member('a', { crc: 1 })), 'damaged', 'ZIP_MEMBER_CHECKSUM', 'a'],
      [
        'wrong checksum of a link',
        plus(member('a', { crc: 1, mode: 0o120777 })),
        'damaged',
        'ZIP_MEMBER_CHECKSUM',
        'a',
      ],
      [
        'wrong checksum of a folder',
        plus(member('a/', { content: '', crc: 1 })),
        'damaged',
        'ZIP_MEMBER_CHECKSUM',
        'a',
      ],
      ['two sizes of what is only stored', payload({ deflate: false, size: 5 }), 'damaged', 'ZIP_MEMBER_SIZE', target],
      ['less than it holds', payload({ size: 5 }), 'damaged', 'ZIP_MEMBER_SIZE', target],
      ['more than it holds', payload({ size: 5000 }), 'damaged', 'ZIP_MEMBER_SIZE', target],
      ['more than anything may hold', payload({ zip64: true, size: 2 ** 62 }), 'damaged', 'LIMIT_BYTES', target],
      ['stored beyond the end', payload({ stored: 1_000_000 }), 'damaged', 'ZIP', target],
      ['header beyond the end', payload({ at: 0x7fffffff }), 'damaged', 'ZIP', target],
      ['header nowhere', payload({ zip64: true, at: 2 ** 62 }), 'damaged', 'ZIP', target],
      ['header that is none', payload({ at: 3 }), 'damaged', 'ZIP', target],
      [
        'deflate that is none',
        payload({ packed: () => Buffer.from([0xff, 0xff, 0xff]) }),
        'damaged',
        'ZIP_DEFLATE',
        target,
      ],
      ['deflate cut short', payload({ packed: (bytes) => bytes.subarray(0, -4) }), 'damaged', 'ZIP_DEFLATE', target],
      [
        'garbage after the deflate',
        payload({ packed: (bytes) => Buffer.concat([bytes, bytes]) }),
        'damaged',
        'ZIP_DEFLATE',
        target,
      ],
      [
        'content of another',
        plus(member('a', { content: 'y'.repeat(99) }), member('b', { at: 'a', content: 'y'.repeat(99) })),
        'damaged',
        'ZIP_HEADER',
        'b',
      ],
      [
        'a quoted member',
        plus(
          member('a', { content: zip([member('b')]), stored: 120, size: 120, local: { stored: 120, size: 120 } }),
          member('c'),
        ),
        'damaged',
        'ZIP_RANGE',
        'c',
      ],
      [
        'the directory as content',
        plus(member('a', { stored: 40, size: 40, local: { stored: 40, size: 40 } })),
        'damaged',
        'ZIP_RANGE',
        'a',
      ],
      [
        'an extra field longer than all',
        plus(member('a', { extra: Buffer.from([1, 0, 255, 0]) })),
        'damaged',
        'ZIP',
        null,
      ],
    ];
    for (const [what, members, kind, code, name] of cases) {
      it(`are refused: ${what}`, async () => {
        const path = write(members);
        const failure = await failureOf(verify(path));
        expect([failure.kind, failure.code, failure.member]).to.deep.equal([kind, code, name]);
        expect((await failureOf(extractTo(path, temp.path('to')))).code).to.equal(code);
        expect(readdirSync(temp.path())).to.deep.equal(['x.zip']);
      });
    }

    it('are refused: one content for many members, each with a header inside that of the one before', async () => {
      // The data of each is the header of the next and all that follows: the trick of the overlapping bomb.
      const inner = zip([member('b', { content: 'z'.repeat(1000) })]).subarray(0, 31 + 1000);
      const members = [member('a', { content: inner }), member('b', { content: 'z'.repeat(1000), at: 31 })];
      const failure = await failureOf(inspect(write(members)));
      expect([failure.code, failure.member]).to.deep.equal(['ZIP_RANGE', 'b']);
      expect(failure.message).to.match(/overlaps "a"/);
    });

    const ends: [what: string, lies: CraftedZip, kind: string][] = [
      ['more members than there are', { count: 5 }, 'damaged'],
      ['fewer members than there are', { count: 3 }, 'damaged'],
      ['no member at all', { count: 0 }, 'damaged'],
      ['a directory elsewhere', { shift: 1 }, 'damaged'],
      ['a directory beyond the end', { shift: 1_000_000 }, 'damaged'],
      ['2^53 members', { zip64: true, count: 2 ** 53 }, 'damaged'],
      ['a zip64 directory beyond everything', { zip64: true, shift: 2 ** 62 }, 'damaged'],
      ['another disk', { end: (record) => record.fill(1, 4, 5) }, 'unsupported'],
      ['bytes after the end', { end: (record) => Buffer.concat([record, Buffer.from('x')]) }, 'damaged'],
      ['no end', { end: () => Buffer.alloc(22) }, 'damaged'],
    ];
    for (const [what, lies, kind] of ends) {
      it(`are refused: ${what}`, async () => {
        expect((await failureOf(inspect(write(bundle({}), lies)))).kind).to.equal(kind);
      });
    }

    it('are refused wherever they are cut', async () => {
      const whole = zip(payload({}));
      for (let length = 0; length < whole.length; length += 1) {
        const failure = await failureOf(verify(temp.write('x.zip', whole.subarray(0, length))));
        expect([failure.kind, length]).to.deep.equal(['damaged', length]);
      }
    });

    it('give what they should or nothing, whatever byte of them is changed', async () => {
      const whole = zip(payload({ mode: 0o100644 }));
      await extractTo(temp.write('x.zip', whole), temp.path('sound'));
      const sound = snapshot(temp.path('sound'));
      const changed = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }));
      const property = fc.asyncProperty(changed, async ([at, change]) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] as number) ^ change;
        const path = temp.write('x.zip', bytes);
        try {
          await verify(path);
          await extractTo(path, temp.path('to'));
          expect(snapshot(temp.path('to'))).to.deep.equal(sound);
        } catch (error) {
          if (!(error instanceof FlatpkgError)) throw error;
          expect(error.kind).to.be.oneOf(['damaged', 'unsupported', 'refused']);
        }
        rmSync(temp.path('to'), { recursive: true, force: true });
        expect(readdirSync(temp.path()).sort()).to.deep.equal(['sound', 'x.zip']);
      });
      await fc.assert(property, { seed: 7, numRuns: 300 });
    });
  });

  describe('limits', () => {
    const open = async (members: CraftedZipMember[], limits: Partial<Limits>) => {
      const fd = openSync(write(members), 'r');
      try {
        return await ZipArchive.open(fd, { ...DEFAULT_LIMITS, ...limits });
      } finally {
        closeSync(fd);
      }
    };

    it('hold for what the directory takes', async () => {
      const members = Array.from({ length: 20 }, (_, n) => member(`a folder/file ${n}`, { comment: 'c'.repeat(100) }));
      const codes: [limits: Partial<Limits>, code: string | null][] = [
        [{ entries: 20, nameBytes: 400, tocBytes: 4000, payloadBytes: 20 }, null],
        [{ entries: 19 }, 'LIMIT_ENTRIES'],
        [{ nameBytes: 100 }, 'LIMIT_NAMES'],
        [{ tocBytes: 2000 }, 'ZIP'],
        [{ payloadBytes: 19 }, 'LIMIT_BYTES'],
      ];
      for (const [limits, code] of codes) {
        if (code === null) expect((await open(members, limits)).members).to.have.length(20);
        else expect((await failureOf(open(members, limits))).code).to.equal(code);
      }
    });

    it('stop a bomb of an Info.plist, honest about its size or not', async () => {
      const info = plist(IDENTIFIER) + ' '.repeat(64 * MiB);
      for (const said of [{}, { size: 1000, local: { size: 1000 } }]) {
        const path = write(
          bundle({}, [{ name: 'Example.pkg/Contents/Info.plist', content: info, deflate: true, ...said }]),
        );
        const failure = await failureOf(inspect(path));
        expect([failure.code, failure.member]).to.deep.equal(['ZIP_MEMBER_SIZE', 'Example.pkg/Contents/Info.plist']);
      }
    });

    it('stop a bomb in the payload, packed twice', async () => {
      const zeros = gzipSync(cpio([file('./zeros', Buffer.alloc(64 * MiB))]));
      const name = 'Example.pkg/Contents/Archive.pax.gz';
      const path = write(bundle({}, [{ name, content: zeros, deflate: true }]));
      const failure = await failureOf(extractTo(path, temp.path('to'), { limits: { payloadBytes: MiB } }));
      expect(failure.code).to.match(/^LIMIT_/);
      expect([failure.kind, failure.member]).to.deep.equal(['damaged', name]);
      expect(readdirSync(temp.path())).to.deep.equal(['x.zip']);
    });
  });

  describe('zip', () => {
    const kinds: [what: string, more: Partial<CraftedZipMember>, lies: CraftedZip][] = [
      ['sizes after the content', STREAMED, {}],
      ['zip64 members', { zip64: true }, {}],
      ['a zip64 directory', {}, { zip64: true }],
      ['comments and extra fields', { comment: 'why', extra: Buffer.from([9, 9, 2, 0, 1, 1]) }, { comment: 'PK' }],
    ];
    for (const [what, more, lies] of kinds) {
      it(`is read with ${what}`, async () => {
        const members = bundle({ payload: PAYLOAD }).map((each) => ({ ...each, ...more }));
        const path = write(members, lies);
        expect((await verify(path)).members).to.equal(2);
        expect((await extractTo(path, temp.path('to'))).entries).to.have.length(4);
      });
    }

    const names: [what: string, given: Partial<CraftedZipMember>, name: string][] = [
      ['marked as UTF-8', { name: 'café ☂', flags: 0x800, system: 0 }, 'café ☂'],
      ['UTF-8 made on Unix without the mark', { name: 'café ☂' }, 'café ☂'],
      ['made on macOS', { name: 'café ☂', system: 19 }, 'café ☂'],
      ['in code page 437', { name: Buffer.from('caf\x82', 'latin1'), system: 0 }, 'café'],
      ['no UTF-8, though made on Unix', { name: Buffer.from('caf\x82', 'latin1') }, 'café'],
    ];
    for (const [what, given, name] of names) {
      it(`has names ${what}`, async () => {
        const { members } = await inspect(write(bundle({}, [member('', given)])));
        expect(members.at(-1)?.path).to.equal(name);
      });
    }

    it('tells links and devices from files, and reads none of them', async () => {
      const members = bundle({}, [member('link', { mode: 0o120777 }), member('fifo', { mode: 0o010644 })]);
      const fd = openSync(write(members), 'r');
      try {
        const archive = await ZipArchive.open(fd, DEFAULT_LIMITS);
        for (const [name, type] of [
          ['link', 'symlink'],
          ['fifo', 'fifo'],
        ] as const) {
          const found = archive.find(name);
          expect(found?.type).to.equal(type);
          const failure = await failureOf(archive.read(found as never, 100));
          expect([failure.code, failure.member]).to.deep.equal(['ZIP_TYPE', name]);
        }
      } finally {
        closeSync(fd);
      }
    });

    it('ends when it is told to', async () => {
      const path = write(bundle({ payload: PAYLOAD }, [member('large', { content: Buffer.alloc(4 * MiB) })]));
      const reason = new Error('enough');
      const error = await verify(path, { signal: AbortSignal.abort(reason) }).catch((thrown: unknown) => thrown);
      expect(error).to.equal(reason);
    });
  });
});
