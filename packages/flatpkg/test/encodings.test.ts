import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { listFiles } from '../src/index.ts';
import { decodePayload } from '../src/payload/decode.ts';
import { cpio, file, pkg } from './helpers/craft.ts';
import * as encoded from './helpers/encoded.ts';
import { LONG, PARTS, type PbzBlock, pbz, SAMPLE, SKEWED } from './helpers/encoded.ts';
import { failureOf } from './helpers/failures.ts';
import { useTempFolder } from './helpers/temp.ts';

const NOTHING = Buffer.alloc(0);
const [first] = PARTS;
const MiB = 1024 * 1024;

/** Two blocks, the first full, the second the last. */
function twoBlocks(letter: string, pack: (part: Buffer, index: number) => Buffer): Buffer {
  return pbz(
    letter,
    first.length,
    PARTS.map((part, index) => ({ size: part.length, bytes: pack(part, index) })),
  );
}

const XZ_PARTS = [encoded.XZ_FIRST, encoded.XZ_SECOND];
const PBZX = twoBlocks('x', (_, index) => XZ_PARTS[index] as Buffer);
const PBZZ = twoBlocks('z', (part) => deflateSync(part));
const RAW_BLOCKS = twoBlocks('x', (part) => part);

/** Small samples that all hold SAMPLE, one for each encoding. */
const SAMPLES: [what: string, bytes: Buffer][] = [
  ['bare cpio', SAMPLE],
  ['gzip', gzipSync(SAMPLE)],
  ['bzip2', encoded.BZIP2],
  ['xz', encoded.XZ],
  ['pbzx', PBZX],
  ['pbzz', PBZZ],
];

async function* piecesOf(pieces: Buffer[]): AsyncGenerator<Buffer, void, undefined> {
  yield* pieces;
}

async function decode(...pieces: Buffer[]): Promise<Buffer> {
  const decoded: Buffer[] = [];
  for await (const piece of decodePayload(piecesOf(pieces), 'Payload')) decoded.push(Buffer.from(piece));
  return Buffer.concat(decoded);
}

/** Decodes zeros to the end without keeping them. */
async function measureZeros(bytes: Buffer): Promise<{ length: number; largest: number }> {
  const zeros = Buffer.alloc(1024 * 1024);
  let length = 0;
  let largest = 0;
  for await (const piece of decodePayload(piecesOf([bytes]), 'Payload')) {
    expect(zeros.subarray(0, piece.length).equals(piece)).to.equal(true);
    length += piece.length;
    largest = Math.max(largest, piece.length);
  }
  return { length, largest };
}

async function verdictOn(bytes: Buffer): Promise<[string, string]> {
  const { kind, code } = await failureOf(decode(bytes));
  return [kind, code];
}

function changed(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

/** Some bits of one byte turned over; counts from the end when `at` is negative. */
function flipped(bytes: Buffer, at: number, mask = 0xff): Buffer {
  const index = at < 0 ? bytes.length + at : at;
  return changed(bytes, index, (bytes[index] as number) ^ mask);
}

function join(...parts: Buffer[]): Buffer {
  return Buffer.concat(parts);
}

/** Where the first block of a pbz* stream ends. */
function endOfFirstBlock(bytes: Buffer): number {
  return 28 + Number(bytes.readBigUInt64BE(20));
}

/** A bzip2 block whose first code length is stepped up and down for ever. */
function endlessBzip2(): Buffer {
  const field = (value: number, bits: number) => value.toString(2).padStart(bits, '0');
  const inUse = field(0x8000, 16) + field(0x8000, 16);
  const bits = `${field(0, 1 + 24)}${inUse}${field(2, 3)}${field(1, 15)}0${field(10, 5)}${'1011'.repeat(2)}`;
  const start = bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
  return join(encoded.BZIP2.subarray(0, 14), Buffer.from(start), Buffer.alloc(3 * MiB, 0b1101_1101));
}

describe('payload encodings', function () {
  this.timeout(30_000);
  const temp = useTempFolder();

  const round: [what: string, bytes: Buffer, content: Buffer][] = [
    ...SAMPLES.map(([what, bytes]): [string, Buffer, Buffer] => [what, bytes, SAMPLE]),
    ['gzip in two members', Buffer.concat(PARTS.map((part) => gzipSync(part))), SAMPLE],
    ['bzip2 in two streams', join(encoded.BZIP2_FIRST, encoded.BZIP2_SECOND), SAMPLE],
    [
      'bzip2 with an empty stream and zeros between and after',
      join(encoded.BZIP2_FIRST, encoded.BZIP2_EMPTY, Buffer.alloc(7), encoded.BZIP2_SECOND, Buffer.alloc(512)),
      SAMPLE,
    ],
    ['bzip2 of nothing', encoded.BZIP2_EMPTY, NOTHING],
    ['bzip2 in several blocks', encoded.BZIP2_LONG, LONG],
    ['bzip2 with long codes', encoded.BZIP2_SKEWED, SKEWED],
    ['xz with CRC-32 and the largest dictionary', encoded.XZ_CRC32, SAMPLE],
    ['xz without checks', encoded.XZ_NO_CHECK, SAMPLE],
    ['xz in several blocks', encoded.XZ_BLOCKS, SAMPLE],
    ['xz in two streams', Buffer.concat(XZ_PARTS), SAMPLE],
    [
      'xz with an empty stream and zeros between and after',
      join(encoded.XZ_FIRST, encoded.XZ_EMPTY, Buffer.alloc(8), encoded.XZ_SECOND, Buffer.alloc(512)),
      SAMPLE,
    ],
    ['xz of nothing', encoded.XZ_EMPTY, NOTHING],
    ['xz of more than the library gives at once', encoded.XZ_LONG, LONG],
    ['pbzx of blocks stored as they are', RAW_BLOCKS, SAMPLE],
    ['pbzx of one block', pbz('x', 16 * MiB, [{ size: SAMPLE.length, bytes: encoded.XZ }]), SAMPLE],
    ['pbzx of one full block', pbz('x', SAMPLE.length, [{ size: SAMPLE.length, bytes: encoded.XZ }]), SAMPLE],
    [
      'pbzx with an empty block after a full one',
      pbz('x', SAMPLE.length, [
        { size: SAMPLE.length, bytes: encoded.XZ },
        { size: 0, bytes: NOTHING },
      ]),
      SAMPLE,
    ],
    [
      'pbzx of a block of two xz streams',
      pbz('x', MiB, [{ size: SAMPLE.length, bytes: Buffer.concat(XZ_PARTS) }]),
      SAMPLE,
    ],
    ['pbzz without the header of zlib', twoBlocks('z', (part) => deflateRawSync(part)), SAMPLE],
  ];
  for (const [what, bytes, content] of round) {
    it(`decodes ${what}`, async () => {
      expect((await decode(bytes)).equals(content)).to.equal(true);
    });
  }

  it('decodes to the same wherever the input is cut', async () => {
    for (const [what, bytes] of SAMPLES) {
      for (let at = 0; at <= bytes.length; at += 1) {
        const decoded = await decode(bytes.subarray(0, at), bytes.subarray(at));
        expect(decoded.equals(SAMPLE), `${what} cut at ${at}`).to.equal(true);
      }
      const single = Array.from(bytes, (byte) => Buffer.of(byte));
      expect((await decode(...single)).equals(SAMPLE), `${what} byte by byte`).to.equal(true);
    }
  });

  it('decodes to the same from pieces of any size', async () => {
    const [bzip2, xz] = [
      join(encoded.BZIP2_LONG, encoded.BZIP2_EMPTY, encoded.BZIP2_LONG),
      join(encoded.XZ_LONG, encoded.XZ_BLOCKS, Buffer.alloc(4), encoded.XZ_LONG),
    ];
    const wanted = [join(LONG, LONG), join(LONG, SAMPLE, LONG)];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 40 }), async (sizes) => {
        for (const [index, bytes] of [bzip2, xz].entries()) {
          const pieces: Buffer[] = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          const decoded = await decode(...pieces, bytes.subarray(at));
          expect(decoded.equals(wanted[index] as Buffer)).to.equal(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('reads the source to its end, whatever follows the data', async () => {
    // The source compares the checksums of the member there.
    for (const [what, bytes] of SAMPLES.filter(([name]) => !name.startsWith('pbz'))) {
      let ended = false;
      async function* source(): AsyncGenerator<Buffer, void, undefined> {
        yield bytes;
        for (let count = 0; count < 50; count += 1) yield Buffer.alloc(64 * 1024);
        ended = true;
      }
      let length = 0;
      for await (const piece of decodePayload(source(), 'Payload')) length += piece.length;
      expect(length, what).to.equal(SAMPLE.length + (what === 'bare cpio' ? 50 * 64 * 1024 : 0));
      expect(ended, what).to.equal(true);
    }
  });

  it('compares the checksum of a payload that is padded', async () => {
    const [signed, forged] = [gzipSync(SAMPLE), gzipSync(cpio([file('./forged')]))];
    const archive = pkg(join(signed, Buffer.alloc(MiB)), { packed: (packed) => packed });
    const at = archive.indexOf(signed);
    archive.fill(0, at, at + signed.length);
    forged.copy(archive, at);
    const failure = await failureOf(listFiles(temp.write('x.pkg', archive)));
    expect([failure.code, failure.member]).to.deep.equal(['XAR_MEMBER_CHECKSUM', 'Payload']);
  });

  it('reads packages whose payload has any of the encodings', async () => {
    for (const [what, bytes] of SAMPLES) {
      const path = temp.write('x.pkg', pkg(bytes, { packed: (packed) => packed }));
      const paths = (await listFiles(path)).entries.map((entry) => entry.path);
      expect(paths, what).to.deep.equal(['.', 'run', 'text', 'bytes']);
    }
  });

  describe('hostile', () => {
    const PBZ = ['damaged', 'PAYLOAD_PBZ'];
    const GZIP = ['damaged', 'PAYLOAD_GZIP'];
    const ZLIB = ['damaged', 'PAYLOAD_ZLIB'];
    const XZ = ['damaged', 'PAYLOAD_XZ'];
    const BZIP2 = ['damaged', 'PAYLOAD_BZIP2'];
    const block = (more: Partial<PbzBlock>): PbzBlock => ({ size: first.length, bytes: encoded.XZ_FIRST, ...more });
    const garbage = Buffer.from('garbage');

    const cases: [what: string, bytes: Buffer, verdict: string[]][] = [
      ['nothing', NOTHING, ['damaged', 'PAYLOAD_EMPTY']],
      ['gzip, then garbage', join(gzipSync(SAMPLE), garbage), GZIP],
      ['gzip, then zeros and garbage', join(gzipSync(SAMPLE), Buffer.alloc(9), garbage), GZIP],
      ['gzip, then zeros and gzip', join(gzipSync(SAMPLE), Buffer.alloc(MiB), gzipSync(SAMPLE)), GZIP],

      ['bzip2 that is only its magic', Buffer.from('BZh'), BZIP2],
      ['bzip2 with blocks of size 0', changed(encoded.BZIP2, 3, 0x30), BZIP2],
      ['bzip2, then garbage', join(encoded.BZIP2, garbage), BZIP2],
      ['bzip2, then zeros and garbage', join(encoded.BZIP2, Buffer.alloc(9), garbage), BZIP2],
      ['bzip2, then half a stream', join(encoded.BZIP2, encoded.BZIP2.subarray(0, 99)), BZIP2],
      ['bzip2 of another block', changed(encoded.BZIP2, 4, 0x32), BZIP2],
      ['a bzip2 block larger than it may be', changed(encoded.BZIP2_BOMB, 3, 0x31), BZIP2],
      ['a bzip2 block without end', endlessBzip2(), BZIP2],

      ['xz that is only its magic', encoded.XZ.subarray(0, 6), XZ],
      ['xz, then garbage', join(encoded.XZ, garbage), XZ],
      ['xz, then zeros and garbage', join(encoded.XZ, Buffer.alloc(8), garbage), XZ],
      ['xz, then half a stream', join(encoded.XZ, encoded.XZ.subarray(0, 99)), XZ],
      ['xz in streams without end', join(...Array<Buffer>(1001).fill(encoded.XZ_EMPTY)), XZ],
      ['xz, then bzip2', join(encoded.XZ, encoded.BZIP2), XZ],
      ['xz with the footer of another', join(encoded.XZ.subarray(0, -12), encoded.XZ_CRC32.subarray(-12)), XZ],
      ['xz with the index of another', join(encoded.XZ.subarray(0, -20 - 4), encoded.XZ_FIRST.subarray(-20 - 4)), XZ],

      ['pbzx that is only its magic', Buffer.from('pbzx\0\0'), PBZ],
      ['pbzx without a block', pbz('x', MiB, []), PBZ],
      ['pbzx with blocks of 0 bytes', pbz('x', 0, [block({})]), PBZ],
      ['pbzx with a block size of 64 MiB and 1', pbz('x', 64 * MiB + 1, [block({})]), PBZ],
      ['pbzx with a block size of 2^62', pbz('x', 2n ** 62n, [block({})]), PBZ],
      ['pbzx with a size of 2^62', pbz('x', MiB, [block({ size: 2n ** 62n })]), PBZ],
      ['pbzx with a stored size of 2^62', pbz('x', MiB, [block({ stored: 2n ** 62n })]), PBZ],
      ['pbzx with both of 2^62', pbz('x', MiB, [block({ size: 2n ** 62n, stored: 2n ** 62n })]), PBZ],
      ['pbzx with all of 2^64 - 1', pbz('x', 2n ** 64n - 1n, [block({ size: 2n ** 64n - 1n })]), PBZ],
      ['pbzx with a block larger than the block size', pbz('x', first.length - 1, [block({})]), PBZ],
      ['pbzx with a block that decodes to more', pbz('x', MiB, [block({ size: first.length - 1 })]), PBZ],
      ['pbzx with a block that decodes to less', pbz('x', MiB, [block({ size: first.length + 1 })]), PBZ],
      ['pbzx with a block stored in 0 bytes', pbz('x', MiB, [block({ bytes: NOTHING })]), XZ],
      ['pbzx with an empty block that has data', pbz('x', MiB, [block({ size: 0 })]), PBZ],
      ['pbzx with a stored block cut off', RAW_BLOCKS.subarray(0, -1), PBZ],
      ['pbzx with a stored size beyond the end', pbz('x', MiB, [block({ stored: 4096 })]), PBZ],
      ['pbzx with a stored size too small', pbz('x', MiB, [block({ stored: 60 })]), XZ],
      ['pbzx with a block that is no xz', pbz('x', MiB, [block({ bytes: deflateSync(first) })]), XZ],
      ['pbzx with garbage in a block', pbz('x', MiB, [block({ bytes: join(encoded.XZ_FIRST, garbage) })]), XZ],
      ['pbzx, then garbage', join(PBZX, garbage), PBZ],
      ['pbzx, then a header', join(PBZX, Buffer.alloc(16)), PBZ],
      ['pbzx, then another', join(PBZX, PBZX), PBZ],
      ['pbzx with a small block before another', pbz('x', MiB, [block({}), block({})]), PBZ],
      ['pbzz with garbage in a block', twoBlocks('z', (part) => join(deflateSync(part), garbage)), ZLIB],
      ['pbzz with bare garbage in a block', twoBlocks('z', (part) => join(deflateRawSync(part), garbage)), ZLIB],
      ['pbzz with two streams in a block', twoBlocks('z', (part) => join(deflateSync(part), deflateSync(part))), ZLIB],
      ['pbzz with a wrong checksum', twoBlocks('z', (part) => flipped(deflateSync(part), -8)), ZLIB],
      ['pbzz with a block cut off', twoBlocks('z', (part) => deflateSync(part).subarray(0, -5)), ZLIB],
      ['pbzz with a block stored in 0 bytes', twoBlocks('z', () => NOTHING), ZLIB],
    ];
    for (const [what, bytes, verdict] of cases) {
      it(`refuses ${what}`, async () => {
        expect(await verdictOn(bytes)).to.deep.equal(verdict);
      });
    }

    const unable: [what: string, bytes: Buffer, says: RegExp][] = [
      ['randomised bzip2 blocks', changed(encoded.BZIP2, 14, 0x80), /randomised bzip2/],
      ['xz with SHA-256', encoded.XZ_SHA256, /SHA-256.* needs macOS or xz/],
      ['xz with a BCJ filter', encoded.XZ_X86, /BCJ filter for x86.* needs macOS or xz/],
      ['xz with the delta filter', encoded.XZ_DELTA, /delta filter.* needs macOS or xz/],
      ['xz with a dictionary of 96 MiB', encoded.XZ_DICTIONARY, /dictionary of 96 MiB.* needs macOS or xz/],
      ['pbzx of such xz', pbz('x', MiB, [{ size: SAMPLE.length, bytes: encoded.XZ_SHA256 }]), /SHA-256/],
      ['pbze', pbz('e', MiB, []), /LZFSE.*macOS/],
      ['pbz4', pbz('4', MiB, []), /LZ4.*macOS/],
      ['anything else', Buffer.from('AA01\x1b[2J'), /starts with 414130311b5b\); it may need macOS/],
    ];
    for (const [what, bytes, says] of unable) {
      it(`says what it cannot decode: ${what}`, async () => {
        const failure = await failureOf(decode(bytes));
        expect([failure.kind, failure.code]).to.deep.equal(['unsupported', 'PAYLOAD_ENCODING']);
        expect(failure.message)
          .to.match(says)
          .and.to.match(/^Payload: /);
      });
    }

    it('never takes what was cut off for the whole', async () => {
      // Where bare cpio ends is for the reader of archives to judge, and so is a stream that ends after a full block.
      for (const [what, bytes] of SAMPLES.slice(1)) {
        for (let length = 0; length < bytes.length; length += 1) {
          const cut = bytes.subarray(0, length);
          if (what.startsWith('pbz') && length === endOfFirstBlock(bytes)) {
            expect((await decode(cut)).equals(first)).to.equal(true);
            const path = temp.write('cut.pkg', pkg(cut, { packed: (packed) => packed }));
            expect((await failureOf(listFiles(path))).code).to.equal('CPIO_TRUNCATED');
          } else await failureOf(decode(cut));
        }
      }
    });

    it('never decodes a changed bit to something else', async () => {
      for (const [what, bytes] of [...SAMPLES.slice(2, 4), ['pbzx', PBZX] as [string, Buffer]]) {
        let passed = 0;
        for (let bit = 0; bit < bytes.length * 8; bit += 1) {
          const copy = flipped(bytes, bit >>> 3, 1 << (bit & 7));
          try {
            expect((await decode(copy)).equals(SAMPLE), `${what} bit ${bit}`).to.equal(true);
            passed += 1;
          } catch (error) {
            await failureOf(Promise.reject(error));
          }
        }
        // Block sizes and unused bits may change.
        expect(passed, what).to.be.lessThan(80);
      }
    });

    it('passes on what goes wrong in the source', async () => {
      for (const [what, bytes] of SAMPLES) {
        const problem = new Error('the source is gone');
        async function* source(): AsyncGenerator<Buffer, void, undefined> {
          yield bytes.subarray(0, 60);
          throw problem;
        }
        let thrown: unknown = null;
        try {
          for await (const _ of decodePayload(source(), 'Payload'));
        } catch (error) {
          thrown = error;
        }
        expect(thrown, what).to.equal(problem);
      }
    });
  });

  describe('bombs', () => {
    const XZ_BOMB = join(...Array<Buffer>(24).fill(encoded.XZ_BOMB));
    const PBZX_BOMB = pbz(
      'x',
      4 * MiB,
      Array.from({ length: 24 }, () => ({ size: 4 * MiB, bytes: encoded.XZ_BOMB })),
    );
    const bombs: [what: string, bytes: Buffer, length: number][] = [
      ['bzip2', encoded.BZIP2_BOMB, 100_000_000],
      ['xz', XZ_BOMB, 96 * MiB],
      ['pbzx', PBZX_BOMB, 96 * MiB],
      ['pbzz', pbz('z', 64 * MiB, [{ size: 64 * MiB, bytes: deflateSync(Buffer.alloc(64 * MiB)) }]), 64 * MiB],
    ];

    for (const [what, bytes, length] of bombs) {
      it(`decodes ${what} of 1:1000 and more in small pieces`, async () => {
        const measured = await measureZeros(bytes);
        expect(measured.length).to.equal(length);
        expect(measured.largest).to.be.at.most(1024 * 1024);
      });

      it(`lets go of everything when ${what} is stopped early`, async () => {
        for (const stopAfter of [0, 1, 3]) {
          let closed = false;
          async function* source(): AsyncGenerator<Buffer, void, undefined> {
            try {
              for (let at = 0; at < bytes.length; at += 50) yield bytes.subarray(at, at + 50);
            } finally {
              closed = true;
            }
          }
          const decoding = decodePayload(source(), 'Payload');
          for (let count = 0; count <= stopAfter; count += 1) await decoding.next();
          await decoding.return();
          expect(closed).to.equal(true);
          // The decoder of xz is one for everybody.
          expect((await decode(encoded.XZ)).equals(SAMPLE)).to.equal(true);
        }
      });
    }
  });

  it('decodes several at once, also beside one that fails', async () => {
    const work = [encoded.XZ_LONG, encoded.XZ_BLOCKS, flipped(encoded.XZ_LONG, 200), PBZX, encoded.XZ, encoded.BZIP2];
    const results = await Promise.allSettled(work.map((bytes) => decode(bytes)));
    const lengths = results.map((result) => (result.status === 'fulfilled' ? result.value.length : 'failed'));
    const { length } = SAMPLE;
    expect(lengths).to.deep.equal([LONG.length, length, 'failed', length, length, length]);
  });
});
