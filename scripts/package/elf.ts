/** What a program for Linux needs of the system: libraries, and the versions of their symbols it uses. */
export interface Needs {
  libraries: string[];
  /** By library: `GLIBC_2.28`, … */
  versions: Map<string, string[]>;
}

const MAGIC = 0x7f454c46;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_VERNEED = 0x6ffffffe;
const DT_VERNEEDNUM = 0x6fffffff;

/**
 * Reads the dynamic section of a 64-bit little-endian ELF file.
 * @returns null for what is no such file, or needs nothing
 * @throws Error for one that is damaged
 */
export function needsOf(bytes: Buffer): Needs | null {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== MAGIC || bytes[4] !== 2 || bytes[5] !== 1) return null;
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new Error('a program for Linux is damaged', { cause: error });
    throw error;
  }
}

function read(bytes: Buffer): Needs | null {
  const segments = segmentsOf(bytes);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return null;
  const inFile = (address: number): number => {
    const segment = segments.find(
      ({ type, virtual, size }) => type === PT_LOAD && address >= virtual && address < virtual + size,
    );
    if (segment === undefined) throw new RangeError('an address of nothing');
    return segment.offset + address - segment.virtual;
  };
  const tags: [tag: number, value: number][] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16)
    tags.push([long(bytes, at), long(bytes, at + 8)]);
  const value = (wanted: number) => tags.find(([tag]) => tag === wanted)?.[1];
  const strings = value(DT_STRTAB);
  if (strings === undefined) return null;
  const text = (offset: number): string => {
    const at = inFile(strings) + offset;
    const end = bytes.indexOf(0, at);
    if (at >= bytes.length || end < 0) throw new RangeError('a name without an end');
    return bytes.toString('latin1', at, end);
  };
  const libraries = tags.flatMap(([tag, offset]) => (tag === DT_NEEDED ? [text(offset)] : []));
  const table = value(DT_VERNEED);
  const versions = table === undefined ? [] : versionsAt(bytes, inFile(table), value(DT_VERNEEDNUM) ?? 0, text);
  return { libraries, versions: new Map(versions) };
}

function segmentsOf(bytes: Buffer): { type: number; offset: number; virtual: number; size: number }[] {
  const [start, size, count] = [long(bytes, 32), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: bytes.readUInt32LE(at),
      offset: long(bytes, at + 8),
      virtual: long(bytes, at + 16),
      size: long(bytes, at + 32),
    };
  });
}

function versionsAt(
  bytes: Buffer,
  start: number,
  count: number,
  text: (offset: number) => string,
): [library: string, versions: string[]][] {
  let at = start;
  return Array.from({ length: count }, () => {
    const names = bytes.readUInt16LE(at + 2);
    const library = text(bytes.readUInt32LE(at + 4));
    let aux = at + bytes.readUInt32LE(at + 8);
    const versions = Array.from({ length: names }, () => {
      const name = text(bytes.readUInt32LE(aux + 8));
      aux += bytes.readUInt32LE(aux + 12);
      return name;
    });
    at += bytes.readUInt32LE(at + 12);
    return [library, versions];
  });
}

function long(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
