import { expect } from 'chai';
import { inspect, verify } from '../src/index.ts';
import { type CraftedXar, cpio, file, PACKAGE_INFO, pkg, xar } from './helpers/craft.ts';
import { expectStopped, failureOf, type Stopped } from './helpers/failures.ts';
import { useTempFolder } from './helpers/temp.ts';

const sound = [file('./a', 'hello')];
const withLies = (lies: CraftedXar) => pkg(sound, { lies });
const withToc = (change: (xml: string) => string) => withLies({ toc: change });
const patched = (at: number, ...bytes: number[]) =>
  withLies({
    header: (header) => {
      header.set(bytes, at);
      return header;
    },
  });
const repeat = (text: string, times: number) => text.repeat(times);
/** A folder in a folder, …, the last one empty. */
const nested = (depth: number, name = 'f') =>
  `${Array.from({ length: depth }, (_, n) => `<file id="${9000 + n}"><type>directory</type><name>${name}</name>`).join('')}${repeat('</file>', depth)}`;
const infoAs = (xml: (text: string) => string, more: { stored?: (bytes: Buffer) => Buffer } = {}) =>
  xar([{ name: 'PackageInfo', content: PACKAGE_INFO, zlib: true, xml, ...more }]);

describe('xar: hostile and damaged archives', () => {
  const temp = useTempFolder();
  const cases: [what: string, bytes: () => Buffer, kind: Stopped['kind'], code: string][] = [
    ['too short', () => Buffer.from('xar!'), 'damaged', 'NOT_XAR'],
    ['not a xar', () => Buffer.alloc(100, 'x'), 'damaged', 'NOT_XAR'],
    ['a zip that is none', () => Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)]), 'damaged', 'ZIP'],
    ['header size 0', () => patched(4, 0, 0), 'damaged', 'XAR_HEADER'],
    ['header size 27', () => patched(4, 0, 27), 'damaged', 'XAR_HEADER'],
    ['header size 65535', () => patched(4, 255, 255), 'damaged', 'XAR_HEADER'],
    ['version 9', () => patched(6, 0, 9), 'unsupported', 'XAR_VERSION'],
    ['no checksum in the header, one in the table', () => patched(24, 0, 0, 0, 0), 'damaged', 'XAR_CHECKSUM_STYLE'],
    ['MD5', () => patched(24, 0, 0, 0, 2), 'unsupported', 'XAR_CHECKSUM_STYLE'],
    ['unknown algorithm', () => patched(24, 9, 9, 9, 9), 'unsupported', 'XAR_CHECKSUM_STYLE'],
    ['header and table name two algorithms', () => patched(24, 0, 0, 0, 4), 'damaged', 'XAR_TOC_CHECKSUM'],
    ['table of 2^63 bytes', () => patched(8, 0x80), 'damaged', 'XAR_TOC_SIZE'],
    ['table unpacks to 2^62 bytes', () => patched(16, 0x40), 'damaged', 'XAR_TOC_SIZE'],
    ['empty table', () => patched(16, 0, 0, 0, 0, 0, 0, 0, 0), 'damaged', 'XAR_TOC_SIZE'],
    ['table longer than it says', () => patched(16, 0, 0, 0, 0, 0, 0, 0, 9), 'damaged', 'XAR_MEMBER_SIZE'],
    ['table shorter than it says', () => patched(16, 0, 0, 0, 0, 0, 1, 0, 0), 'damaged', 'XAR_MEMBER_SIZE'],
    ['table beyond the end', () => patched(8, 0, 0, 0, 0, 0, 1, 0, 0), 'damaged', 'XAR_TRUNCATED'],
    [
      'garbage after the zlib stream of the table',
      () => withLies({ tocBytes: (bytes) => Buffer.concat([bytes, Buffer.from('garbage')]) }),
      'damaged',
      'XAR_ZLIB',
    ],
    ['wrong hash of the table', () => withLies({ hash: () => Buffer.alloc(20) }), 'damaged', 'XAR_TOC_CHECKSUM'],
    ['checksum moved', () => withToc((xml) => xml.replace('<offset>0<', '<offset>1<')), 'damaged', 'XAR_TOC_CHECKSUM'],
    [
      'checksum of wrong size',
      () => withToc((xml) => xml.replace('<size>20<', '<size>4<')),
      'damaged',
      'XAR_TOC_CHECKSUM',
    ],
    [
      'no checksum element',
      () => withToc((xml) => xml.replace(/<checksum.*?<\/checksum>/, '')),
      'damaged',
      'XAR_TOC_CHECKSUM',
    ],
    ['two tables', () => withToc((xml) => xml.replace('</toc>', '</toc><toc></toc>')), 'damaged', 'XML_TWICE'],
    ['two equal tables', () => withToc(() => '<xar><toc></toc><toc></toc></xar>'), 'damaged', 'XML_TWICE'],
    [
      'two types',
      () => withToc((xml) => xml.replace('<type>', '<type>directory</type><type>')),
      'damaged',
      'XML_TWICE',
    ],
    ['another root element', () => withToc((xml) => xml.replaceAll('xar>', 'tar>')), 'damaged', 'XAR_TOC'],
    ['same id twice', () => withToc((xml) => xml.replace('id="2"', 'id="1"')), 'damaged', 'XAR_TWICE'],
    ['negative id', () => withToc((xml) => xml.replace('id="2"', 'id="-2"')), 'damaged', 'XAR_ID'],
    ['same name twice', () => withToc((xml) => xml.replace('>Payload<', '>PackageInfo<')), 'damaged', 'XAR_TWICE'],
    ['name ..', () => withToc((xml) => xml.replace('>Payload<', '>..<')), 'damaged', 'XAR_NAME'],
    ['name with a slash', () => withToc((xml) => xml.replace('>Payload<', '>../Payload<')), 'damaged', 'XAR_NAME'],
    ['empty name', () => withToc((xml) => xml.replace('>Payload<', '><')), 'damaged', 'XAR_NAME'],
    [
      'name in bad UTF-8, base64',
      () => withToc((xml) => xml.replace('<name>Payload<', '<name enctype="base64">/w==<')),
      'damaged',
      'XAR_NAME',
    ],
    ['no name', () => withToc((xml) => xml.replace('<name>Payload</name>', '')), 'damaged', 'XAR_NAME'],
    ['no type', () => withToc((xml) => xml.replace('<type>file</type>', '')), 'damaged', 'XAR_TYPE'],
    ['negative length', () => withToc((xml) => xml.replace('<length>', '<length>-')), 'damaged', 'XAR_NUMBER'],
    [
      'fractional offset',
      () => withToc((xml) => xml.replace(/<offset>(\d\d)</, '<offset>$1.5<')),
      'damaged',
      'XAR_NUMBER',
    ],
    [
      'length beyond 2^53',
      () => withToc((xml) => xml.replace(/<length>\d+/, '<length>9007199254740993')),
      'damaged',
      'XAR_NUMBER',
    ],
    [
      'range beyond the heap',
      () => withToc((xml) => xml.replace(/<length>\d+/, '<length>99999999')),
      'damaged',
      'XAR_RANGE',
    ],
    [
      'member over the checksum',
      () => withToc((xml) => xml.replace(/<offset>20</, '<offset>0<')),
      'damaged',
      'XAR_RANGE',
    ],
    [
      'members overlap in part',
      () => withToc((xml) => xml.replace(/<offset>20</, '<offset>21<')),
      'damaged',
      'XAR_RANGE',
    ],
    [
      'no member checksum',
      () => infoAs((xml) => xml.replace(/<archived.*?<\/archived-checksum>/, '')),
      'damaged',
      'XAR_CHECKSUM_MISSING',
    ],
    [
      'member checksum none',
      () => infoAs((xml) => xml.replace('checksum style="sha1"', 'checksum style="none"')),
      'unsupported',
      'XAR_CHECKSUM_STYLE',
    ],
    [
      'member checksum cut',
      () => infoAs((xml) => xml.replace(/..<\/archived/, '</archived')),
      'damaged',
      'XAR_CHECKSUM',
    ],
    [
      'archived checksum wrong',
      () => infoAs((xml) => xml.replace(/>[0-9a-f]{40}<\/a/, `>${repeat('0', 40)}</a`)),
      'damaged',
      'XAR_MEMBER_CHECKSUM',
    ],
    [
      'extracted checksum wrong',
      () => infoAs((xml) => xml.replace(/>[0-9a-f]{40}<\/e/, `>${repeat('0', 40)}</e`)),
      'damaged',
      'XAR_MEMBER_CHECKSUM',
    ],
    ['unknown encoding', () => infoAs((xml) => xml.replace('x-gzip', 'x-lzma')), 'unsupported', 'XAR_ENCODING'],
    [
      'garbage after a member',
      () => infoAs((xml) => xml, { stored: (bytes) => Buffer.concat([bytes, Buffer.from('!')]) }),
      'damaged',
      'XAR_ZLIB',
    ],
    [
      'member of another size',
      () => infoAs((xml) => xml.replace(/<size>\d+/, '<size>999')),
      'damaged',
      'XAR_MEMBER_SIZE',
    ],
    [
      'bomb of a member',
      () => infoAs((xml) => xml.replace(/<size>\d+/, '<size>99999999999')),
      'damaged',
      'LIMIT_BYTES',
    ],
    [
      'member of more than 4 MiB',
      () => infoAs((xml) => xml.replace(/<size>\d+/, '<size>5000000')),
      'damaged',
      'XAR_MEMBER_SIZE',
    ],
    ['a folder as PackageInfo', () => infoAs((xml) => xml.replace('>file<', '>symlink<')), 'damaged', 'XAR_TYPE'],
    [
      'document type',
      () => withToc((xml) => xml.replace('<xar>', '<!DOCTYPE xar [<!ENTITY a "b">]><xar>')),
      'damaged',
      'XML_DOCTYPE',
    ],
    ['external entity', () => withToc((xml) => xml.replace('>Payload<', '>&file;<')), 'damaged', 'XML'],
    [
      '5 000 deep',
      () => withToc((xml) => xml.replace('<toc>', `<toc>${repeat('<a>', 5000)}${repeat('</a>', 5000)}`)),
      'damaged',
      'XML_DEPTH',
    ],
    [
      'half a million attributes',
      () =>
        withToc((xml) =>
          xml.replace('<toc>', `<toc ${Array.from({ length: 500_000 }, (_, n) => `a${n}=""`).join(' ')}>`),
        ),
      'damaged',
      'XML_LENGTH',
    ],
    [
      'half a million attributes in many elements',
      () => withToc((xml) => xml.replace('<toc>', `<toc>${repeat('<a a="" b="" c="" d="" e=""/>', 100_000)}`)),
      'damaged',
      'XML_NODES',
    ],
    [
      'a hundred thousand members in a folder with a long name',
      () =>
        withToc((xml) => {
          const inside = Array.from({ length: 100_000 }, (_, n) => {
            return `<file id="${n + 1000}"><type>file</type><name>${n}</name></file>`;
          });
          const folders = ['a', 'b', 'c'].map((name) => `<name>${name.repeat(200)}</name><type>directory</type>`);
          const open = folders.map((folder, n) => `<file id="${n + 100}">${folder}`).join('');
          return xml.replace('<file ', `${open}${inside.join('')}</file></file></file><file `);
        }),
      'damaged',
      'XAR_NAME',
    ],
    // Small when compressed, and many times their size in the memory of a parser.
    [
      'ten million line ends',
      () => withToc((xml) => xml.replace('<toc>', `<toc>${repeat('\r\n', 10_000_000)}`)),
      'damaged',
      'XML_LENGTH',
    ],
    [
      'a comment of ten million dashes',
      () => withToc((xml) => xml.replace('<toc>', `<toc><!--${repeat('- ', 10_000_000)}-->`)),
      'damaged',
      'XML_LENGTH',
    ],
    [
      'an attribute of ten million line ends',
      () => withToc((xml) => xml.replace('<toc>', `<toc a="${repeat('\n', 10_000_000)}">`)),
      'damaged',
      'XML_LENGTH',
    ],
    [
      'a million elements',
      () => withToc((xml) => xml.replace('<toc>', `<toc>${repeat('<a/>', 1_000_000)}`)),
      'damaged',
      'XML_NODES',
    ],
    ['header size 28 of another kind', () => patched(4, 0, 30), 'damaged', 'XAR_HEADER'],
    [
      'header larger than the file',
      () => patched(4, 0, 64, 0, 1).fill(3, 27, 28).subarray(0, 60),
      'damaged',
      'XAR_TRUNCATED',
    ],
    ['version 65535', () => patched(6, 255, 255), 'unsupported', 'XAR_VERSION'],
    ['table of 2^62 bytes', () => patched(8, 0x40), 'damaged', 'XAR_TOC_SIZE'],
    ['bomb of a table: 70 MB', () => withToc((xml) => `${xml}${repeat(' ', 70_000_000)}`), 'damaged', 'XAR_TOC_SIZE'],
    [
      'bomb of a table that claims to be small',
      () =>
        withLies({
          toc: (xml) => `${xml}${repeat(' ', 70_000_000)}`,
          header: (header) => {
            header.writeBigUInt64BE(2000n, 16);
            return header;
          },
        }),
      'damaged',
      'XAR_MEMBER_SIZE',
    ],
    [
      'checksum after the heap',
      () => withToc((xml) => xml.replace('<offset>0<', '<offset>999999<')),
      'damaged',
      'XAR_TOC_CHECKSUM',
    ],
    [
      'two checksums that differ',
      () =>
        withToc((xml) =>
          xml.replace('<checksum', '<checksum style="sha1"><offset>7</offset><size>20</size></checksum><checksum'),
        ),
      'damaged',
      'XML_TWICE',
    ],
    ['fractional id', () => withToc((xml) => xml.replace('id="2"', 'id="2.5"')), 'damaged', 'XAR_ID'],
    [
      'exponent as a length',
      () => withToc((xml) => xml.replace(/<length>\d+/, '<length>1e1')),
      'damaged',
      'XAR_NUMBER',
    ],
    [
      'size of 2^62',
      () => withToc((xml) => xml.replace(/<size>\d+<\/size><enc/, '<size>4611686018427387904</size><enc')),
      'damaged',
      'XAR_NUMBER',
    ],
    [
      'name with a NUL, base64',
      () => withToc((xml) => xml.replace('<name>Payload<', '<name enctype="base64">YQBi<')),
      'damaged',
      'XAR_NAME',
    ],
    ['name with a NUL reference', () => withToc((xml) => xml.replace('>Payload<', '>a&#0;b<')), 'damaged', 'XML'],
    [
      'name of 256 bytes',
      () => withToc((xml) => xml.replace('>Payload<', `>${repeat('n', 256)}<`)),
      'damaged',
      'XAR_NAME',
    ],
    [
      'name of a megabyte',
      () => withToc((xml) => xml.replace('>Payload<', `>${repeat('n', 1_000_000)}<`)),
      'damaged',
      'XAR_NAME',
    ],
    [
      'name in a coding nobody knows',
      () => withToc((xml) => xml.replace('<name>Payload<', '<name enctype="rot13">Payload<')),
      'unsupported',
      'XAR_NAME',
    ],
    ['folders 120 deep', () => withToc((xml) => xml.replace('</toc>', `${nested(120)}</toc>`)), 'damaged', 'XML_DEPTH'],
    [
      'folders whose path is too long',
      () => withToc((xml) => xml.replace('</toc>', `${nested(60, repeat('n', 200))}</toc>`)),
      'damaged',
      'XAR_NAME',
    ],
    [
      'a file that holds files',
      () => withToc((xml) => xml.replace('</toc>', `${nested(3).replaceAll('directory', 'file')}</toc>`)),
      'damaged',
      'XAR_TYPE',
    ],
    [
      'a folder with content',
      () => withToc((xml) => xml.replace('<type>file', '<type>directory')),
      'damaged',
      'XAR_TYPE',
    ],
    [
      'PackageInfo without content',
      () => withToc((xml) => xml.replace(/<data>.*?<\/data>/, '')),
      'damaged',
      'XAR_TYPE',
    ],
    [
      'nested entities',
      () => withToc((xml) => xml.replace('<xar>', '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xar>')),
      'damaged',
      'XML_DOCTYPE',
    ],
    [
      'external document type',
      () => withToc((xml) => xml.replace('<xar>', '<!DOCTYPE xar SYSTEM "file:///etc/passwd"><xar>')),
      'damaged',
      'XML_DOCTYPE',
    ],
    [
      'entities named like parts of an object',
      () => withToc((xml) => xml.replace('>Payload<', '>&constructor;<')),
      'damaged',
      'XML',
    ],
    ['two root elements', () => withToc((xml) => `${xml}<xar/>`), 'damaged', 'XML'],
    ['another encoding', () => withToc((xml) => xml.replace('"UTF-8"', '"UTF-16"')), 'unsupported', 'XML_ENCODING'],
    ['an attribute twice', () => withToc((xml) => xml.replace('<toc>', '<toc a="" a="">')), 'damaged', 'XML'],
    ['cut XML', () => withToc((xml) => xml.slice(0, -9)), 'damaged', 'XML'],
    ['no packet at all', () => xar([]), 'unsupported', 'NOT_A_PACKAGE'],
  ];
  // Said of the file as a whole, before there is a member.
  const ofTheFile = ['ZIP', 'NOT_XAR', 'NOT_A_PACKAGE', 'XAR_HEADER', 'XAR_VERSION', 'XAR_TOC_SIZE', 'XAR_TRUNCATED'];
  for (const [what, bytes, kind, code] of cases) {
    it(`refuses: ${what}`, async () => {
      const failure = await expectStopped(temp.path(), bytes(), { kind, code, early: true });
      if (ofTheFile.includes(code) || /header|checksum algorithm/.test(failure.message)) return;
      expect(failure.message).to.match(/table of contents|PackageInfo|Payload|"\.\."|id|^[nf/]+:/);
    });
  }

  it('refuses invalid UTF-8 in the table of contents', async () => {
    const broken = Buffer.from(repeat('A', 7));
    broken[3] = 0xff;
    const bytes = xar([{ name: 'PackageInfo', content: PACKAGE_INFO }], {
      toc: (xml) => Buffer.from(xml.replace('PackageInfo', 'xxxxxxx')) as never,
    });
    const failure = await failureOf(inspect(temp.write('x.pkg', bytes)));
    expect(failure.code).to.equal('NOT_A_PACKAGE');
    const bad = xar([], {
      toc: () => Buffer.concat([Buffer.from('<xar><toc>'), broken, Buffer.from('</toc></xar>')]) as never,
    });
    expect((await failureOf(inspect(temp.write('y.pkg', bad)))).code).to.equal('XML_ENCODING');
  });

  it('accepts holes, bytes after the heap, shared ranges and repeated simple elements', async () => {
    const bytes = pkg(sound, {
      lies: {
        heapEnd: Buffer.from('trailing ticket'),
        toc: (xml) =>
          xml
            .replace('<name>Payload</name>', '<name>Payload</name><name>Payload</name>')
            .replace(
              '</toc>',
              `${/<file id="2">.*?<\/file>/.exec(xml)?.[0].replace('id="2"', 'id="3"').replace('>Payload<', '>Copy<')}</toc>`,
            ),
      },
    });
    const result = await verify(temp.write('x.pkg', bytes));
    expect(result.members).to.equal(3);
  });

  for (const style of ['sha1', 'sha256', 'sha512'] as const) {
    it(`reads a ${style} table of contents`, async () => {
      const summary = await inspect(temp.write('x.pkg', pkg(sound, { lies: { style } })));
      expect(summary.tocChecksum).to.equal(style);
    });
  }

  it('reads the long header that names its algorithm', async () => {
    const long = pkg(sound, {
      lies: {
        style: 'sha256',
        header: (header) => {
          header.writeUInt16BE(64, 4);
          return Buffer.concat([header, Buffer.from('sha256'.padEnd(36, '\0'))]);
        },
      },
    });
    expect((await verify(temp.write('x.pkg', long))).members).to.equal(2);
  });

  it('finds every flipped byte of every member', async () => {
    const good = pkg(sound, { scripts: cpio([file('./postinstall', '#!/bin/sh')]) });
    for (let at = good.length - 200; at < good.length; at += 7) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ 0x10;
      expect((await failureOf(verify(temp.write('x.pkg', bad)))).kind).to.equal('damaged');
    }
  });
});

describe('PackageInfo: hostile documents', () => {
  const temp = useTempFolder();
  const info = (attributes: string, inside = '') =>
    xar([{ name: 'PackageInfo', content: `\n\n<pkg-info ${attributes}>${inside}</pkg-info>`, zlib: true }]);
  const cases: [what: string, bytes: () => Buffer, code: string][] = [
    ['identifier that climbs', () => info('identifier="../../etc/cron.d/x"'), 'PKGINFO_IDENTIFIER'],
    ['identifier ..', () => info('identifier=".."'), 'PKGINFO_IDENTIFIER'],
    ['identifier with a line feed', () => info('identifier="a&#10;b"'), 'PKGINFO_IDENTIFIER'],
    ['no identifier', () => info('version="1"'), 'PKGINFO_IDENTIFIER'],
    ['location that climbs', () => info('identifier="a" install-location="/opt/../../etc"'), 'NAME'],
    ['location with a long part', () => info(`identifier="a" install-location="/${repeat('a', 256)}"`), 'NAME'],
    [
      'script that climbs',
      () => info('identifier="a"', '<scripts><postinstall file="./../../bin/sh"/></scripts>'),
      'NAME',
    ],
    ['absolute script', () => info('identifier="a"', '<scripts><postinstall file="/bin/sh"/></scripts>'), 'NAME'],
    ['another document', () => xar([{ name: 'PackageInfo', content: '<plist/>' }]), 'PKGINFO'],
  ];
  for (const [what, bytes, code] of cases) {
    it(`refuses: ${what}`, async () => {
      await expectStopped(temp.path(), bytes(), { kind: 'damaged', code, early: true, names: 'PackageInfo' });
    });
  }

  it('reads what real writers leave out, and repeats of the five entities', async () => {
    const bytes = info('identifier="a (null) &amp;&lt;b" install-location="//opt/./x/" postinstall-action="logout"');
    const [component] = (await inspect(temp.write('x.pkg', bytes))).components;
    expect(component).to.deep.include({
      identifier: 'a (null) &<b',
      installLocation: '/opt/x',
      restart: 'logout',
      version: '0',
      numberOfFiles: null,
      hasPayload: false,
    });
  });
});
