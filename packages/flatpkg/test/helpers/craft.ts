import { createHash } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';

/** One cpio entry; every field may lie. */
export interface CraftedEntry {
  name: string | Buffer;
  mode?: number;
  data?: string | Buffer;
  /** Instead of the data's length. */
  size?: number;
  uid?: number;
  gid?: number;
  nlink?: number;
  ino?: number;
  mtime?: number;
  /** Instead of the name's length with its NUL. */
  nameSize?: number;
  /** Written after the name instead of a NUL. */
  nameEnd?: string;
  /** Replaces the whole header text. */
  header?: (text: string) => string;
}

export const FILE = 0o100644;
export const DIR = 0o040755;
const LINK = 0o120777;

export function file(name: string, data: string | Buffer = 'x', more: Partial<CraftedEntry> = {}): CraftedEntry {
  return { name, mode: FILE, data, ...more };
}

export function dir(name: string, more: Partial<CraftedEntry> = {}): CraftedEntry {
  return { name, mode: DIR, ...more };
}

export function link(name: string, target: string): CraftedEntry {
  return { name, mode: LINK, data: target };
}

export function cpio(entries: CraftedEntry[], end: 'trailer' | 'cut' = 'trailer'): Buffer {
  const all = end === 'trailer' ? [...entries, { name: 'TRAILER!!!', mode: 0 }] : entries;
  return Buffer.concat(all.map(cpioEntry));
}

function cpioEntry(entry: CraftedEntry): Buffer {
  const name = Buffer.from(entry.name as string);
  const data = Buffer.from((entry.data ?? '') as string);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0').slice(-digits);
  const text = [
    '070707',
    octal(0, 6),
    octal(entry.ino ?? 0, 6),
    octal(entry.mode ?? FILE, 6),
    octal(entry.uid ?? 0, 6),
    octal(entry.gid ?? 0, 6),
    octal(entry.nlink ?? 1, 6),
    octal(0, 6),
    octal(entry.mtime ?? 1_000_000_000, 11),
    octal(entry.nameSize ?? name.length + 1, 6),
    octal(entry.size ?? data.length, 11),
  ].join('');
  return Buffer.concat([
    Buffer.from(entry.header?.(text) ?? text, 'latin1'),
    name,
    Buffer.from(entry.nameEnd ?? '\0', 'latin1'),
    data,
  ]);
}

export interface CraftedMember {
  name: string;
  content: Buffer | string;
  /** Store compressed with zlib. */
  zlib?: boolean;
  /** Changes the XML of this member. */
  xml?: (xml: string) => string;
  /** What is stored instead of the (compressed) content. */
  stored?: (bytes: Buffer) => Buffer;
}

export interface CraftedXar {
  style?: 'sha1' | 'sha256' | 'sha512';
  toc?: (xml: string) => string;
  /** Changes the compressed table of contents before it is hashed. */
  tocBytes?: (bytes: Buffer) => Buffer;
  header?: (bytes: Buffer) => Buffer;
  hash?: (bytes: Buffer) => Buffer;
  heapEnd?: Buffer;
}

export function xar(members: CraftedMember[], lies: CraftedXar = {}): Buffer {
  const style = lies.style ?? 'sha1';
  const size = { sha1: 20, sha256: 32, sha512: 64 }[style];
  const digest = (bytes: Buffer) => createHash(style).update(bytes).digest();
  const heap: Buffer[] = [];
  let offset = size;
  const files = members.map((member, index) => {
    const content = Buffer.from(member.content as string);
    const packed = member.zlib === true ? deflateSync(content) : content;
    const stored = member.stored?.(packed) ?? packed;
    heap.push(stored);
    const encoding = member.zlib === true ? 'application/x-gzip' : 'application/octet-stream';
    const xml = [
      `<file id="${index + 1}"><data><offset>${offset}</offset><length>${stored.length}</length>`,
      `<size>${content.length}</size><encoding style="${encoding}"/>`,
      `<archived-checksum style="${style}">${digest(stored).toString('hex')}</archived-checksum>`,
      `<extracted-checksum style="${style}">${digest(content).toString('hex')}</extracted-checksum></data>`,
      `<type>file</type><name>${member.name}</name></file>`,
    ].join('');
    offset += stored.length;
    return member.xml?.(xml) ?? xml;
  });
  const plain = `<?xml version="1.0" encoding="UTF-8"?><xar><toc><checksum style="${style}"><offset>0</offset><size>${size}</size></checksum>${files.join('')}</toc></xar>`;
  const xml = Buffer.from(lies.toc?.(plain) ?? plain);
  const packed = deflateSync(xml);
  const toc = lies.tocBytes?.(packed) ?? packed;
  const header = Buffer.alloc(28);
  header.write('xar!', 'latin1');
  header.writeUInt16BE(28, 4);
  header.writeUInt16BE(1, 6);
  header.writeBigUInt64BE(BigInt(toc.length), 8);
  header.writeBigUInt64BE(BigInt(xml.length), 16);
  header.writeUInt32BE({ sha1: 1, sha256: 3, sha512: 4 }[style], 24);
  const hash = digest(toc);
  return Buffer.concat([
    lies.header?.(header) ?? header,
    toc,
    lies.hash?.(hash) ?? hash,
    ...heap,
    lies.heapEnd ?? Buffer.alloc(0),
  ]);
}

/** A component of a product archive; null or nothing leaves a part out. */
export interface CraftedComponent {
  directory: string;
  info?: string;
  payload?: CraftedEntry[] | Buffer | null;
  bom?: Buffer;
  scripts?: CraftedEntry[];
}

/** A product archive: the members of each component are wrapped into a folder element. */
export function product(distribution: string, components: CraftedComponent[], lies: CraftedXar = {}): Buffer {
  const members: CraftedMember[] = [{ name: 'Distribution', content: distribution, zlib: true }];
  for (const { directory, info = PACKAGE_INFO, payload = [file('./a')], bom, scripts } of components) {
    const id = 1_000_000 + members.length;
    const parts: CraftedMember[] = [{ name: 'PackageInfo', content: info, zlib: true }];
    if (bom !== undefined) parts.push({ name: 'Bom', content: bom, zlib: true });
    if (payload !== null) {
      parts.push({ name: 'Payload', content: gzipSync(Array.isArray(payload) ? cpio(payload) : payload) });
    }
    if (scripts !== undefined) parts.push({ name: 'Scripts', content: gzipSync(cpio(scripts)) });
    parts.forEach((part, index) => {
      const start = index === 0 ? `<file id="${id}"><type>directory</type><name>${directory}</name>` : '';
      const end = index === parts.length - 1 ? '</file>' : '';
      members.push({ ...part, xml: (xml) => start + xml + end });
    });
  }
  return xar(members, lies);
}

/** A change of the table of contents: the first folder comes `times` times, every copy with the same ranges. */
export function repeatedFolder(times: number): (xml: string) => string {
  return (xml) =>
    xml.replace(/<file id="\d+"><type>directory<.*?<\/file><\/file>/s, (folder) => {
      const copies: string[] = [];
      for (let copy = 0; copy < times; copy += 1) {
        let part = 0;
        const name = (text: string) => text.replace('</name>', `${copy}</name>`);
        copies.push(name(folder.replace(/ id="\d+"/g, () => ` id="${2_000_000 + copy * 10 + (part += 1)}"`)));
      }
      return copies.join('');
    });
}

/** A Distribution around these elements. */
export function script(inside: string): string {
  return `<installer-gui-script minSpecVersion="1">${inside}</installer-gui-script>`;
}

export const PACKAGE_INFO = '<pkg-info format-version="2" identifier="com.example.crafted" version="1.0" auth="root"/>';

/** A component package around a cpio archive (or whatever takes its place). */
export function pkg(
  payload: Buffer | CraftedEntry[],
  more: { info?: string; bom?: Buffer; scripts?: Buffer; packed?: (bytes: Buffer) => Buffer; lies?: CraftedXar } = {},
): Buffer {
  const archive = Array.isArray(payload) ? cpio(payload) : payload;
  const members: CraftedMember[] = [
    { name: 'PackageInfo', content: more.info ?? PACKAGE_INFO, zlib: true },
    { name: 'Payload', content: (more.packed ?? gzipSync)(archive) },
  ];
  if (more.bom !== undefined) members.push({ name: 'Bom', content: more.bom, zlib: true });
  if (more.scripts !== undefined) members.push({ name: 'Scripts', content: gzipSync(more.scripts) });
  return xar(members, more.lies);
}
