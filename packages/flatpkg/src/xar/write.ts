import { deflateSync } from 'node:zlib';
import { CHECKSUM_BYTES, type ChecksumStyle, hexOf } from '../checksum.ts';
import { writeAll } from '../fd.ts';
import { escapeXml } from '../xml.ts';

/** One member to write. */
export interface XarSource {
  name: string;
  /** The folder at the top level it is in; left out: at the top level itself. Those of one folder stand together. */
  folder?: string;
  /** Permission bits. */
  mode: number;
  /** Bytes in memory, stored zlib compressed; or content of known length and checksum, stored as it is. */
  content: Buffer | { length: number; checksum: string; pieces: () => Iterable<Buffer> };
}

export interface XarWriteOptions {
  checksum: ChecksumStyle;
  /** Stamped on the archive and every member. */
  time: Date;
}

/** Writes a whole xar archive to a descriptor, `onBytes` sees every byte in order. Returns the number of bytes. */
export function writeXar(
  fd: number,
  sources: readonly XarSource[],
  options: XarWriteOptions,
  onBytes: (bytes: Buffer) => void,
): number {
  const { checksum } = options;
  let offset = CHECKSUM_BYTES[checksum];
  const pieces: (() => Iterable<Buffer>)[] = [];
  const elements = sources.map((source, index) => {
    const { content } = source;
    let stored: { length: number; size: number; archived: string; extracted: string; style: string };
    if (Buffer.isBuffer(content)) {
      const packed = deflateSync(content);
      pieces.push(() => [packed]);
      stored = {
        length: packed.length,
        size: content.length,
        archived: hexOf(checksum, packed),
        extracted: hexOf(checksum, content),
        style: 'application/x-gzip',
      };
    } else {
      pieces.push(content.pieces);
      const { length, checksum: hex } = content;
      stored = { length, size: length, archived: hex, extracted: hex, style: 'application/octet-stream' };
    }
    const element = fileElement(source, index + 1, offset, stored, options);
    offset += stored.length;
    return element;
  });
  const toc = Buffer.from(tocDocument(inFolders(sources, elements, options), options));
  const packedToc = deflateSync(toc);
  let written = 0;
  const put = (bytes: Buffer) => {
    writeAll(fd, bytes);
    onBytes(bytes);
    written += bytes.length;
  };
  put(header(packedToc.length, toc.length, checksum));
  put(packedToc);
  put(Buffer.from(hexOf(checksum, packedToc), 'hex'));
  for (const source of pieces) for (const bytes of source()) put(bytes);
  return written;
}

function header(tocLength: number, tocSize: number, checksum: ChecksumStyle): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.write('xar!', 0, 'latin1');
  bytes.writeUInt16BE(28, 4);
  bytes.writeUInt16BE(1, 6);
  bytes.writeBigUInt64BE(BigInt(tocLength), 8);
  bytes.writeBigUInt64BE(BigInt(tocSize), 16);
  bytes.writeUInt32BE({ sha1: 1, sha256: 3, sha512: 4 }[checksum], 24);
  return bytes;
}

function tocDocument(files: string[], { checksum, time }: XarWriteOptions): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<xar>',
    ' <toc>',
    `  <creation-time>${xarTime(time)}</creation-time>`,
    `  <checksum style="${checksum}">`,
    '   <offset>0</offset>',
    `   <size>${CHECKSUM_BYTES[checksum]}</size>`,
    '  </checksum>',
    ...files,
    ' </toc>',
    '</xar>',
    '',
  ].join('\n');
}

/** The elements of members, those in a folder within its own. */
function inFolders(sources: readonly XarSource[], elements: readonly string[], { time }: XarWriteOptions): string[] {
  const folders = new Map<string, string[]>();
  const all: (string | { folder: string; inside: string[] })[] = [];
  for (const [index, { folder }] of sources.entries()) {
    const element = elements[index] as string;
    const inside = folder === undefined ? undefined : folders.get(folder);
    if (folder === undefined) all.push(element);
    else if (inside !== undefined) inside.push(element);
    else {
      const first = [element];
      folders.set(folder, first);
      all.push({ folder, inside: first });
    }
  }
  let id = sources.length;
  return all.map((item) => {
    if (typeof item === 'string') return item;
    id += 1;
    return [
      `  <file id="${id}">`,
      ...ownership(time),
      '   <mode>0755</mode>',
      '   <type>directory</type>',
      `   <name>${escapeXml(item.folder)}</name>`,
      // After the name: some readers take what they know of the folder so far.
      ...item.inside,
      '  </file>',
    ].join('\n');
  });
}

function ownership(time: Date): string[] {
  return [
    `   <mtime>${xarTime(time)}</mtime>`,
    '   <group>wheel</group>',
    '   <gid>0</gid>',
    '   <user>root</user>',
    '   <uid>0</uid>',
  ];
}

function fileElement(
  source: XarSource,
  id: number,
  offset: number,
  stored: { length: number; size: number; archived: string; extracted: string; style: string },
  { checksum, time }: XarWriteOptions,
): string {
  return [
    `  <file id="${id}">`,
    '   <data>',
    `    <length>${stored.length}</length>`,
    `    <offset>${offset}</offset>`,
    `    <size>${stored.size}</size>`,
    `    <encoding style="${stored.style}"/>`,
    `    <archived-checksum style="${checksum}">${stored.archived}</archived-checksum>`,
    `    <extracted-checksum style="${checksum}">${stored.extracted}</extracted-checksum>`,
    '   </data>',
    ...ownership(time),
    `   <mode>${source.mode.toString(8).padStart(4, '0')}</mode>`,
    '   <type>file</type>',
    `   <name>${escapeXml(source.name)}</name>`,
    '  </file>',
  ].join('\n');
}

/** xar times have seconds and no fraction. */
function xarTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
