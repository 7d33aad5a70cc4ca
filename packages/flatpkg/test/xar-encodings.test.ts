import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { extractTo, inspect, listFiles, verify } from '../src/index.ts';
import { type CraftedMember, cpio, file, PACKAGE_INFO, xar } from './helpers/craft.ts';
import { failureOf } from './helpers/failures.ts';
import { useTempFolder } from './helpers/temp.ts';

// 1,024 bytes of "a" and a line feed, by bzip2 1.0.8.
const BZIP2 = Buffer.from('QlpoOTFBWSZTWTbdcC0AAATBAMAQIAAACCAAIKpiDNNLJ2NQ8XckU4UJA23XAtA=', 'base64');
const LETTERS = `${'a'.repeat(1024)}\n`;

/** Generic tools for xar compress each member, payloads too, which Apple's never do. */
describe('members a xar stores compressed', () => {
  const temp = useTempFolder();
  const content = randomBytes(600_000);
  const payload = gzipSync(cpio([file('./a', content)]), { level: 0 });
  const write = (more: Partial<CraftedMember>, other?: CraftedMember) =>
    temp.write(
      'x.pkg',
      xar([
        { name: 'PackageInfo', content: PACKAGE_INFO, zlib: true },
        { name: 'Payload', content: payload, zlib: true, ...more },
        ...(other === undefined ? [] : [other]),
      ]),
    );

  it('are unpacked piece by piece', async () => {
    const path = write({});
    await verify(path);
    await extractTo(path, temp.path('to'));
    expect(readFileSync(temp.path('to/a')).equals(content)).to.equal(true);
  });

  it('may use bzip2', async () => {
    const xml = (text: string) =>
      text.replace('octet-stream', 'x-bzip2').replace(/<extracted-checksum.*<\/extracted-checksum>/, '');
    const resize = (text: string) => xml(text).replace(/<size>\d+</, `<size>${LETTERS.length}<`);
    const resource = { name: 'notes', content: BZIP2, xml: resize };
    expect((await verify(write({}, resource))).members).to.equal(3);
    const short = { ...resource, xml: (text: string) => xml(text).replace(/<size>\d+</, '<size>1000<') };
    expect((await failureOf(verify(write({}, short)))).code).to.equal('XAR_MEMBER_SIZE');
  });

  // The decoder of the payload has come to its end long before the archive around it, whose error must not be lost.
  it('are compared to their end, zeros after the payload included', async () => {
    const small = gzipSync(cpio([file('./a', 'x')]));
    const wrong = (xml: string) => xml.replace(/(<extracted-checksum style="sha1">)\w+/, `$1${'0'.repeat(40)}`);
    const long = (xml: string) => xml.replace(/<size>(\d+)</, (_, size) => `<size>${Number(size) + 5}<`);
    const lies = [
      [wrong, 'XAR_MEMBER_CHECKSUM'],
      [long, 'XAR_MEMBER_SIZE'],
    ] as const;
    for (let blocks = 0; blocks < 10; blocks += 1) {
      const content = Buffer.concat([small, Buffer.alloc(blocks * 512 * 1024)]);
      for (const [xml, code] of lies) {
        const path = write({ content, xml });
        for (const read of [listFiles, verify, (from: string) => extractTo(from, temp.path('to'))]) {
          const failure = await failureOf(read(path));
          expect([failure.code, failure.member], `${blocks} blocks`).to.deep.equal([code, 'Payload']);
        }
      }
    }
  });

  it('and extended attributes are compared too, though nothing uses them', async () => {
    const ea = (offset: number, hex: string) => (xml: string) =>
      xml.replace(
        '<type>',
        `<ea id="0"><name>com.example</name><offset>${offset}</offset><length>20</length><size>20</size><encoding style="application/octet-stream"/><archived-checksum style="sha1">${hex}</archived-checksum></ea><type>`,
      );
    expect((await failureOf(inspect(write({ xml: ea(99_999_999, '0'.repeat(40)) })))).code).to.equal('XAR_RANGE');
    const other = { name: 'notes', content: 'n'.repeat(20) };
    const path = write({}, other);
    await verify(path);
    const at = readFileSync(path).indexOf('n'.repeat(20));
    const heap = 28 + Number(readFileSync(path).readBigUInt64BE(8));
    expect(at).to.be.greaterThan(heap);
    const offset = at - heap;
    const good = createHash('sha1').update('n'.repeat(20)).digest('hex');
    await verify(write({}, { ...other, xml: ea(offset, good) }));
    const failure = await failureOf(verify(write({}, { ...other, xml: ea(offset, '0'.repeat(40)) })));
    expect([failure.code, failure.member]).to.deep.equal(['XAR_MEMBER_CHECKSUM', 'notes (extended attribute)']);
  });

  it('may be hard links of others, by the id of the original', async () => {
    const link = (id: number) => (xml: string) =>
      xml.replace(/<data>.*<\/data>/, '').replace('<type>file<', `<type link="${id}">hardlink<`);
    const path = write({}, { name: 'Scripts', content: '', xml: link(2) });
    expect((await listFiles(path, { part: 'scripts' })).entries.map((entry) => entry.path)).to.deep.equal(['a']);
    const failure = await failureOf(inspect(write({}, { name: 'Scripts', content: '', xml: link(77) })));
    expect([failure.code, failure.member]).to.deep.equal(['XAR_LINK', 'Scripts']);
  });

  const cases: [what: string, more: Partial<CraftedMember>, code: string][] = [
    ['a stream that is cut', { stored: (bytes) => bytes.subarray(0, -9) }, 'XAR_ZLIB'],
    ['bytes after the stream', { stored: (bytes) => Buffer.concat([bytes, Buffer.from('more')]) }, 'XAR_ZLIB'],
    ['a size that is too small', { xml: (xml) => xml.replace(/<size>\d+</, '<size>9<') }, 'XAR_MEMBER_SIZE'],
    ['a size that is too large', { xml: (xml) => xml.replace(/<size>(\d)/, '<size>1$1') }, 'XAR_MEMBER_SIZE'],
    [
      'another content',
      { xml: (xml) => xml.replace(/(<extracted-checksum style="sha1">)\w+/, `$1${'0'.repeat(40)}`) },
      'XAR_MEMBER_CHECKSUM',
    ],
    ['an encoding nobody uses', { xml: (xml) => xml.replace('x-gzip', 'x-lzma') }, 'XAR_ENCODING'],
  ];
  for (const [what, more, code] of cases) {
    it(`with ${what} are refused`, async () => {
      const failure = await failureOf(extractTo(write(more), temp.path('to')));
      expect([failure.code, failure.member]).to.deep.equal([code, 'Payload']);
    });
  }
});
