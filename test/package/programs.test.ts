import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { debianDepends } from '../../scripts/package/debian-depends.ts';
import { needsOf } from '../../scripts/package/elf.ts';
import { minimumMacOS, newerOf } from '../../scripts/package/mach-o.ts';

/** A Mach-O of nothing but load commands. */
function machO(...commands: [command: number, ...words: number[]][]): Buffer {
  const loads = commands.map(([command, ...words]) => words32([command, 8 + 4 * words.length, ...words]));
  const body = Buffer.concat(loads);
  return Buffer.concat([words32([0xfeedfacf, 0x0100000c, 0, 2, commands.length, body.length, 0, 0]), body]);
}

function words32(words: readonly number[]): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, index * 4);
  return bytes;
}

const BUILD_VERSION = 0x32;
const MAC = 1;
const version = (major: number, minor: number, patch = 0) => major * 65536 + minor * 256 + patch;

function fat(...parts: Buffer[]): Buffer {
  const head = Buffer.alloc(8 + 20 * parts.length);
  head.writeUInt32BE(0xcafebabe, 0);
  head.writeUInt32BE(parts.length, 4);
  let offset = head.length;
  for (const [index, part] of parts.entries()) {
    head.writeUInt32BE(offset, 8 + 20 * index + 8);
    head.writeUInt32BE(part.length, 8 + 20 * index + 12);
    offset += part.length;
  }
  return Buffer.concat([head, ...parts]);
}

describe('what programs say of the systems they run on', () => {
  const built = machO([0x19, 0, 0], [BUILD_VERSION, MAC, version(13, 5), version(15, 0), 0]);

  it('depot3:K07 the oldest macOS of a program, in both ways of saying it, and of one for two processors the newest', () => {
    expect(minimumMacOS(built)).to.equal('13.5');
    const old = machO([0x24, version(10, 15, 4), version(11, 0)]);
    expect(minimumMacOS(old)).to.equal('10.15.4');
    expect(minimumMacOS(fat(old, built))).to.equal('13.5');
    expect(minimumMacOS(machO([0x19, 0]))).to.equal(null);
    for (const other of ['', '#!/bin/sh\n', '\xca\xfe\xba\xbe\0\0\0\x41 a class of Java, whose version is not a count'])
      expect(minimumMacOS(Buffer.from(other.padEnd(64), 'latin1')), other).to.equal(null);
    expect([newerOf('9.9', '10.1'), newerOf(null, '13.5'), newerOf('13.5', '13.10')]).to.deep.equal([
      '10.1',
      '13.5',
      '13.10',
    ]);
  });

  it('a damaged one ends in an error or in an answer, never elsewhere', () => {
    const samples = [built, fat(built, built), readFileSync(process.execPath).subarray(0, 4096)];
    const change = fc.record({
      sample: fc.constantFrom(...samples),
      at: fc.nat(4095),
      byte: fc.nat(255),
      cut: fc.nat(4096),
    });
    fc.assert(
      fc.property(change, ({ sample, at, byte, cut }) => {
        const bytes = Buffer.from(sample.subarray(0, Math.max(cut, 8)));
        bytes[at % bytes.length] = byte;
        for (const read of [minimumMacOS, needsOf]) {
          try {
            read(bytes);
          } catch (error) {
            expect((error as Error).message).to.match(/is damaged/);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('depot3:K07 the libraries this very Node needs are known, with their versions, as a .deb depends on them', function () {
    const needs = needsOf(readFileSync(process.execPath));
    if (process.platform !== 'linux' || needs === null) this.skip();
    expect(needs.libraries).to.include.members(['libc.so.6', 'libstdc++.so.6']);
    expect(debianDepends([needs])).to.match(
      /^libatomic1, libc6 \(>= 2\.\d+\), libgcc-s1, libstdc\+\+6 \(>= \d+(?:\.\d+)?\)$/,
    );
  });

  it('the newest version any of them uses counts, and what nobody knows is an error', () => {
    const needs = (library: string, ...versions: string[]) => ({
      libraries: [library],
      versions: new Map([[library, versions]]),
    });
    expect(
      debianDepends([needs('libc.so.6', 'GLIBC_2.9', 'GLIBC_2.28', 'GLIBC_PRIVATE'), needs('libm.so.6', 'GLIBC_2.27')]),
    ).to.equal('libc6 (>= 2.28)');
    expect(debianDepends([needs('libstdc++.so.6', 'GLIBCXX_3.4.21', 'CXXABI_1.3.11', 'GLIBCXX_3.4')])).to.equal(
      'libstdc++6 (>= 7)',
    );
    expect(() => debianDepends([needs('libstdc++.so.6', 'GLIBCXX_3.4.99')])).to.throw('GLIBCXX_3.4.99');
    expect(() => debianDepends([needs('libx.so.1')])).to.throw('libx.so.1');
  });
});
