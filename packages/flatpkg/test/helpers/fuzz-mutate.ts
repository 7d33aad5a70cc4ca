import type { Random } from './fuzz-random.ts';

const NUMBERS = [
  '0',
  '1',
  '-1',
  '1.5',
  '2147483648',
  '4294967295',
  '9007199254740993',
  '4611686018427387904',
  '1e9',
  '',
];
const TOKENS = [
  '../',
  '/',
  './',
  '//',
  '\0',
  '\x1b[2J',
  '\u202e',
  '\ufeff',
  'TRAILER!!!\0',
  '070707',
  '070701',
  'BOMStore',
  'xar!',
  '<toc>',
  '</file>',
  '<!DOCTYPE a>',
  ']]>',
  '&amp;',
  '&#x0;',
  '.flatpkg-',
  'é',
  'e\u0301',
];
const EXTREMES = [0n, 1n, 0x7fn, 0xffn, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 62n, (1n << 64n) - 1n];

/** One to four changes of bytes that nobody has told what they mean. Never more than twice as long. */
export function mutateBytes(random: Random, bytes: Buffer): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0; changes -= 1) {
    if (result.length > 0 && result.length < 2 * bytes.length + 64) result = changeBytes(random, result);
  }
  return result;
}

function changeBytes(random: Random, bytes: Buffer): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length);
  const count = 1 + random.below(random.once(4) ? bytes.length : 16);
  const before = bytes.subarray(0, at);
  const piece = bytes.subarray(at, at + count);
  switch (random.below(11)) {
    case 0:
    case 1:
      return Buffer.concat([
        before,
        Buffer.from([(bytes[at] as number) ^ (1 << random.below(8))]),
        bytes.subarray(at + 1),
      ]);
    case 2:
      return Buffer.concat([before, Buffer.from([random.below(256)]), bytes.subarray(at + 1)]);
    case 3: {
      const token = Buffer.from(random.pick(TOKENS));
      return Buffer.concat([before, token, bytes.subarray(at + (random.once(2) ? token.length : 0))]);
    }
    case 4:
      return Buffer.concat([before, bytes.subarray(at + count)]);
    case 5:
      return Buffer.concat([before, piece, bytes.subarray(at)]);
    case 6:
      return Buffer.from(before);
    case 7: {
      const to = random.below(bytes.length);
      return Buffer.concat([bytes.subarray(0, to), piece, bytes.subarray(to + piece.length)]);
    }
    case 8:
    case 9: {
      // Block numbers, lengths and counts of binary formats: mostly small, mostly four bytes, at places that count fours.
      const place = at - (at % 4);
      const small = Buffer.from([0, 0, 0, random.below(24)]);
      const from = 4 * random.below(Math.ceil(bytes.length / 4));
      const number = random.once(2) ? small : bytes.subarray(from, from + 4);
      return Buffer.concat([bytes.subarray(0, place), number, bytes.subarray(place + number.length)]);
    }
    default: {
      const width = random.pick([1, 2, 4, 8]);
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(BigInt.asUintN(64, random.pick(EXTREMES) + BigInt(random.below(3)) - 1n));
      const shown = number.subarray(8 - width);
      return Buffer.concat([
        before,
        random.once(2) ? shown : Buffer.from(shown.toReversed()),
        bytes.subarray(at + width),
      ]);
    }
  }
}

const ELEMENT = /<([\w-]+)[^<>]*(?:\/>|>[^<]*<\/\1>)/g;

/** One to three changes of an XML document, most of which leave it well formed. */
export function mutateXml(random: Random, xml: string): string {
  let result = xml;
  for (let changes = 1 + random.below(3); changes > 0; changes -= 1) result = changeXml(random, result);
  return result;
}

function changeXml(random: Random, xml: string): string {
  switch (random.below(8)) {
    case 0:
    case 1:
      return replaceOne(random, xml, /\d+/g, () => random.pick(NUMBERS));
    case 2:
      return replaceOne(random, xml, ELEMENT, (element) => element + element);
    case 3:
      return replaceOne(random, xml, ELEMENT, () => '');
    case 4: {
      const other = random.pick(xml.match(ELEMENT) ?? ['']);
      return replaceOne(random, xml, ELEMENT, () => other);
    }
    case 5:
      return replaceOne(random, xml, /"[^"]*"/g, () => `"${xmlText(random)}"`);
    case 6:
      return replaceOne(random, xml, />[^<]+</g, () => `>${xmlText(random)}<`);
    default:
      return mutateBytes(random, Buffer.from(xml)).toString('latin1');
  }
}

/** Mostly what XML can hold: else it would not be read far enough. */
function xmlText(random: Random): string {
  const token = random.pick([...TOKENS, ...NUMBERS]);
  if (random.once(8)) return token;
  return token
    .replace(/\p{Cc}/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
}

function replaceOne(random: Random, text: string, pattern: RegExp, by: (match: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const match = random.pick(matches);
  return text.slice(0, match.index) + by(match[0]) + text.slice(match.index + match[0].length);
}
