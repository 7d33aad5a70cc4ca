import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { type CraftedEntry, cpio } from './craft.ts';

/** What a header says of a member; each may lie, in the directory and in the header before the content by itself. */
interface Said {
  name?: string | Buffer;
  flags?: number;
  method?: number;
  crc?: number;
  stored?: number;
  size?: number;
  extra?: Buffer;
}

export interface CraftedZipMember extends Said {
  name: string | Buffer;
  content?: string | Buffer;
  /** Deflated when true, else stored as it is. */
  deflate?: boolean;
  /** Changes the stored bytes. */
  packed?: (bytes: Buffer) => Buffer;
  /** Unix mode; 0 says nothing. */
  mode?: number;
  /** Number of the system it was made on: 3 is Unix, 0 is DOS. */
  system?: number;
  /** Sizes and offset in the extra field of zip64. */
  zip64?: boolean;
  /** Only in the directory. */
  comment?: string;
  /** Where the directory says the member is, or the name of another member that is used in its stead. */
  at?: number | string;
  /** Only in the header before the content. */
  local?: Said;
}

export interface CraftedZip {
  /** Instead of the number of members. */
  count?: number;
  /** Added to the place where the directory is said to be. */
  shift?: number;
  comment?: string;
  /** End records of zip64 as well. */
  zip64?: boolean;
  /** Changes the last record. */
  end?: (record: Buffer) => Buffer;
}

const U32 = 0xffffffff;

function numbers(bytes: 2 | 4 | 8, ...values: number[]): Buffer {
  const buffer = Buffer.alloc(bytes * values.length);
  values.forEach((value, index) => {
    if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), 8 * index);
    else buffer.writeUIntLE(value, bytes * index, bytes);
  });
  return buffer;
}

export function zip(members: CraftedZipMember[], lies: CraftedZip = {}): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  const places = new Map<string, number>();
  let offset = 0;
  for (const member of members) {
    const content = Buffer.from((member.content ?? '') as string);
    const packed = member.deflate === true ? deflateRawSync(content) : content;
    const data = member.packed?.(packed) ?? packed;
    const honest = {
      flags: 0,
      method: member.deflate === true ? 8 : 0,
      crc: crc32(content),
      stored: data.length,
      size: content.length,
    };
    const said = { ...honest, ...member };
    places.set(member.name.toString(), offset);
    const at = typeof member.at === 'string' ? (places.get(member.at) as number) : (member.at ?? offset);
    directory.push(directoryEntry(said, at, member));
    const piece = Buffer.concat([localHeader({ ...said, ...member.local }, member.zip64 === true), data]);
    pieces.push(piece);
    offset += piece.length;
  }
  const entries = Buffer.concat(directory);
  return Buffer.concat([...pieces, entries, endRecords(members.length, offset, entries.length, lies)]);
}

/** From the version needed to the sizes, as both kinds of header have it. */
function common(said: Required<Omit<Said, 'name' | 'extra'>>, zip64: boolean): Buffer[] {
  return [
    numbers(2, zip64 ? 45 : 20, said.flags, said.method),
    numbers(4, 0, said.crc, zip64 ? U32 : said.stored, zip64 ? U32 : said.size),
  ];
}

type Complete = Required<Omit<Said, 'extra'>> & { extra?: Buffer };

function localHeader(said: Complete, zip64: boolean): Buffer {
  const name = Buffer.from(said.name as string);
  const extra = said.extra ?? Buffer.alloc(0);
  return Buffer.concat([
    Buffer.from('PK\x03\x04', 'latin1'),
    ...common(said, zip64),
    numbers(2, name.length, extra.length),
    name,
    extra,
  ]);
}

function directoryEntry(said: Complete, at: number, member: CraftedZipMember): Buffer {
  const zip64 = member.zip64 === true;
  const name = Buffer.from(said.name as string);
  const sizes = [numbers(2, 1, 24), numbers(8, said.size, said.stored, at)];
  const extra = Buffer.concat([...(zip64 ? sizes : []), said.extra ?? Buffer.alloc(0)]);
  const comment = Buffer.from(member.comment ?? '');
  return Buffer.concat([
    Buffer.from('PK\x01\x02', 'latin1'),
    numbers(2, ((member.system ?? 3) << 8) | 20),
    ...common(said, zip64),
    numbers(2, name.length, extra.length, comment.length),
    numbers(4, 0, (member.mode ?? 0) * 0x10000, zip64 ? U32 : at),
    name,
    extra,
    comment,
  ]);
}

function endRecords(members: number, offset: number, length: number, lies: CraftedZip): Buffer {
  const zip64 = lies.zip64 === true;
  const count = lies.count ?? members;
  const start = offset + (lies.shift ?? 0);
  const comment = Buffer.from(lies.comment ?? '');
  const record = Buffer.concat([
    Buffer.from('PK\x06\x06', 'latin1'),
    numbers(8, 44),
    numbers(2, 45, 45),
    numbers(4, 0, 0),
    numbers(8, count, count, length, start),
  ]);
  const locator = Buffer.concat([
    Buffer.from('PK\x06\x07', 'latin1'),
    numbers(4, 0),
    numbers(8, offset + length),
    numbers(4, 1),
  ]);
  const short = zip64 ? 0xffff : count;
  const end = Buffer.concat([
    Buffer.from('PK\x05\x06', 'latin1'),
    numbers(2, 0, 0, short, short),
    numbers(4, length, zip64 ? U32 : start),
    numbers(2, comment.length),
    comment,
  ]);
  return Buffer.concat([...(zip64 ? [record, locator] : []), lies.end?.(end) ?? end]);
}

/** The end of the header that says how many bytes follow was left out, as writers that stream do. */
export const STREAMED = { flags: 8, local: { crc: 0, stored: 0, size: 0 } };

export const plist = (inside: string, doctype = APPLE) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${doctype}<plist version="1.0"><dict>${inside}</dict></plist>`;

const APPLE =
  '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n';

export const IDENTIFIER = '<key>CFBundleIdentifier</key><string>com.example.bundle</string>';

/** The members of a bundle-style package; `more` are added, or take the place of those of the same name. */
export function bundle(
  { info = plist(IDENTIFIER), payload = [] }: { info?: string | Buffer; payload?: CraftedEntry[] | Buffer | null },
  more: CraftedZipMember[] = [],
  folder = 'Example.pkg',
): CraftedZipMember[] {
  const archive = Array.isArray(payload) ? gzipSync(cpio(payload)) : payload;
  const members: CraftedZipMember[] = [
    { name: `${folder}/`, mode: 0o040755 },
    { name: `${folder}/Contents/`, mode: 0o040755 },
    { name: `${folder}/Contents/Info.plist`, content: info, deflate: true, mode: 0o100644 },
    ...(archive === null ? [] : [{ name: `${folder}/Contents/Archive.pax.gz`, content: archive, mode: 0o100644 }]),
  ];
  const names = new Set(more.map(({ name }) => name.toString()));
  return [...members.filter(({ name }) => !names.has(name.toString())), ...more];
}
