import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Debian packages made by hand, so that they can lie. */

export interface DebOptions {
  name?: string;
  version?: string;
  architecture?: string;
  /** Further lines of the control file. */
  fields?: string[];
  /** Path below the root and content; a path ending in / is a folder, a content beginning with `-> ` a link. */
  files?: Record<string, string>;
  /** Maintainer scripts by name. */
  scripts?: Record<string, string>;
  /** What stands in place of the members that belong there. */
  members?: [name: string, content: Buffer][];
}

/** Writes a package. @returns its path */
export function writeDeb(file: string, options: DebOptions = {}): string {
  writeFileSync(file, deb(options));
  return file;
}

export function deb(options: DebOptions = {}): Buffer {
  const { name = 'tool', version = '1.0', architecture = 'all', fields = [], files = {}, scripts = {} } = options;
  const control = [`Package: ${name}`, `Version: ${version}`, `Architecture: ${architecture}`, ...fields, ''].join(
    '\n',
  );
  return ar(
    options.members ?? [
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.gz', gzipSync(tar([['./', null], ['./control', control], ...Object.entries(scripts)]))],
      ['data.tar.gz', gzipSync(tar([['./', null], ...Object.entries(files)]))],
    ],
  );
}

export function ar(members: readonly [name: string, content: Buffer][]): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const [name, content] of members) {
    const numbers = [
      '0'.padEnd(12),
      '0'.padEnd(6),
      '0'.padEnd(6),
      '100644'.padEnd(8),
      String(content.length).padEnd(10),
    ];
    parts.push(Buffer.from(`${name.padEnd(16)}${numbers.join('')}\`\n`), content);
    if (content.length % 2 === 1) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

export interface TarChanges {
  type?: string;
  link?: string;
  mode?: number;
  size?: string;
  prefix?: string;
  checksum?: number;
}

/** One header with its content. @param content null for a folder */
export function tarEntry(name: string, content: string | Buffer | null, changes: TarChanges = {}): Buffer {
  const isLink = typeof content === 'string' && content.startsWith('-> ');
  const isFolder = content === null || name.endsWith('/');
  const bytes = isLink || isFolder ? Buffer.alloc(0) : Buffer.from(content);
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
  header.write(name, 0, 100);
  header.write(octal(changes.mode ?? (isFolder ? 0o755 : 0o644), 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(changes.size ?? octal(bytes.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write(changes.type ?? (isLink ? '2' : isFolder ? '5' : '0'), 156);
  header.write(changes.link ?? (isLink ? content.slice(3) : ''), 157, 100);
  header.write('ustar\x0000', 257);
  header.write(changes.prefix ?? '', 345);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(changes.checksum ?? sum, 7)}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export const TAR_END = Buffer.alloc(1024);

export function tar(entries: readonly (readonly [name: string, content: string | null])[]): Buffer {
  return Buffer.concat([...entries.map(([name, content]) => tarEntry(name, content)), TAR_END]);
}
