import { CHECKSUM_BYTES, type Checksum, type ChecksumStyle, checksumStyle } from '../checksum.ts';
import type { Member } from '../container.ts';
import { damaged, printable, unsupported } from '../errors.ts';
import { decodeUtf8, isSingleComponent, MAX_PATH_BYTES } from '../names.ts';
import { onlyChild, readXml, type XmlElement } from '../xml.ts';
import { readSignatures, type XarSignature } from './signatures.ts';

/** Where a member's bytes lie in the heap and what they must be. Offsets count from the start of the heap. */
export interface XarData {
  offset: number;
  /** Bytes in the heap. */
  length: number;
  /** Bytes after decoding. */
  size: number;
  /** `raw`, `zlib`, `bzip2`, or whatever else the archive names. */
  encoding: string;
  archived: Checksum;
  extracted: Checksum | null;
}

export interface XarMember extends Member {
  id: string;
  /** Null for everything without content. */
  data: XarData | null;
}

export interface XarToc {
  checksum: { style: ChecksumStyle; offset: number; size: number };
  signatures: XarSignature[];
  members: XarMember[];
  attributes: XarAttribute[];
}

/** An extended attribute of a member. Nothing here uses it; its bytes have to be right all the same. */
interface XarAttribute {
  /** Of the member, said to be an attribute. */
  path: string;
  offset: number;
  length: number;
  /** Null when the archive gives none that can be compared. */
  archived: Checksum | null;
}

interface Collected {
  members: XarMember[];
  attributes: XarAttribute[];
  byId: Map<string, XarMember>;
  /** Hard links that leave their content to the member of an id. */
  links: Map<XarMember, string>;
  paths: Set<string>;
  nameBytes: number;
}

const TOC = 'table of contents';
// Every member repeats the path of its folders, in memory but not in the document.
const MAX_NAME_BYTES = 32 * 1024 * 1024;

/**
 * Reads the uncompressed table of contents. It checks everything that can be checked without the heap: one `toc`,
 * unique ids and paths, safe names, sane numbers, a known hash for every range.
 */
export function readToc(bytes: Uint8Array): XarToc {
  const root = readXml(bytes, TOC);
  if (root.name !== 'xar') throw damaged('XAR_TOC', `the root element is "${printable(root.name)}", not "xar"`, TOC);
  const toc = onlyChild(root, 'toc', TOC);
  if (toc === null) throw damaged('XAR_TOC', 'has no "toc" element', TOC);
  const found: Collected = {
    members: [],
    attributes: [],
    byId: new Map(),
    links: new Map(),
    paths: new Set(),
    nameBytes: 0,
  };
  collect(toc, '', found);
  for (const [link, id] of found.links) shareContent(link, found.byId.get(id));
  const { members, attributes } = found;
  return { checksum: readTocChecksum(toc), signatures: readSignatures(toc, numberIn), members, attributes };
}

function readTocChecksum(toc: XmlElement): XarToc['checksum'] {
  const element = onlyChild(toc, 'checksum', TOC);
  if (element === null) throw damaged('XAR_TOC_CHECKSUM', 'names no checksum of its own', TOC);
  const style = styleOf(element, TOC);
  const offset = numberIn(element, 'offset', TOC);
  const size = numberIn(element, 'size', TOC);
  if (size !== CHECKSUM_BYTES[style]) {
    throw damaged('XAR_TOC_CHECKSUM', `a ${style} checksum has ${CHECKSUM_BYTES[style]} bytes, not ${size}`, TOC);
  }
  // Every known writer puts it first; a second place to look for it has been used to cheat other readers.
  if (offset !== 0) throw damaged('XAR_TOC_CHECKSUM', 'the checksum is not at the start of the heap', TOC);
  return { style, offset, size };
}

/** A hard link has the content of the one that is called the original. */
function shareContent(link: XarMember, original: XarMember | undefined): void {
  if (original === undefined || original.data === null) {
    throw damaged('XAR_LINK', 'is a hard link of a member that has no content', link.path);
  }
  const { data, size, stored } = original;
  Object.assign(link, { data, size, stored });
}

function collect(parent: XmlElement, folder: string, found: Collected): void {
  for (const file of parent.children) {
    if (file.name !== 'file') continue;
    const id = file.attributes.get('id') ?? '';
    if (!/^\d{1,15}$/.test(id)) throw damaged('XAR_ID', `a file has the id "${printable(id)}"`, TOC);
    if (found.byId.has(id)) throw damaged('XAR_TWICE', `two files have the id ${id}`, TOC);
    const path = folder + memberName(file);
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw damaged('XAR_NAME', 'a member name is too long', path);
    found.nameBytes += path.length;
    if (found.nameBytes > MAX_NAME_BYTES) {
      throw damaged('XAR_NAME', `the paths of its members take more than ${MAX_NAME_BYTES} bytes`, TOC);
    }
    if (found.paths.has(path)) throw damaged('XAR_TWICE', 'is there twice', path);
    found.paths.add(path);
    const kind = onlyChild(file, 'type', path);
    const type = kind?.text.trim() ?? '';
    if (type === '') throw damaged('XAR_TYPE', 'has no type', path);
    const data = onlyChild(file, 'data', path);
    if (data !== null && type === 'directory') throw damaged('XAR_TYPE', 'is a folder with content', path);
    const content = data === null ? null : readData(data, path);
    const member = { id, path, type, size: content?.size ?? 0, stored: content?.length ?? 0, data: content };
    found.members.push(member);
    found.byId.set(id, member);
    const original = kind?.attributes.get('link') ?? 'original';
    if (type === 'hardlink' && content === null && original !== 'original') found.links.set(member, original);
    for (const child of file.children) if (child.name === 'ea') collectAttribute(child, path, found);
    const inside = file.children.some((child) => child.name === 'file');
    if (inside && type !== 'directory') throw damaged('XAR_TYPE', `holds files but is a ${printable(type)}`, path);
    if (inside) collect(file, `${path}/`, found);
  }
}

function collectAttribute(ea: XmlElement, path: string, found: Collected): void {
  if (onlyChild(ea, 'offset', path) === null) return;
  const checksum = onlyChild(ea, 'archived-checksum', path);
  const known = checksum !== null && checksumStyle(checksum.attributes.get('style') ?? '') !== null;
  found.attributes.push({
    path: `${path} (extended attribute)`,
    offset: numberIn(ea, 'offset', path),
    length: numberIn(ea, 'length', path),
    archived: known ? readChecksum(checksum, path) : null,
  });
}

function memberName(file: XmlElement): string {
  const element = onlyChild(file, 'name', TOC);
  if (element === null) throw damaged('XAR_NAME', 'a file has no name', TOC);
  const coding = element.attributes.get('enctype');
  let name: string | null = element.text;
  if (coding === 'base64') name = decodeUtf8(Buffer.from(name, 'base64'));
  else if (coding !== undefined) throw unsupported('XAR_NAME', `a name is coded as "${printable(coding)}"`, TOC);
  if (name === null) throw damaged('XAR_NAME', 'a name is not valid UTF-8', TOC);
  if (!isSingleComponent(name)) {
    throw damaged('XAR_NAME', `unsafe member name "${printable(name)}"`, TOC);
  }
  return name;
}

function readData(data: XmlElement, path: string): XarData {
  const archived = onlyChild(data, 'archived-checksum', path);
  if (archived === null) throw damaged('XAR_CHECKSUM_MISSING', 'has no archived checksum', path);
  const extracted = onlyChild(data, 'extracted-checksum', path) ?? onlyChild(data, 'unarchived-checksum', path);
  const style = onlyChild(data, 'encoding', path)?.attributes.get('style') ?? 'application/octet-stream';
  return {
    offset: numberIn(data, 'offset', path),
    length: numberIn(data, 'length', path),
    size: numberIn(data, 'size', path),
    encoding: ENCODINGS.get(style) ?? style,
    archived: readChecksum(archived, path),
    extracted: extracted === null ? null : readChecksum(extracted, path),
  };
}

// The "gzip" of a xar is a zlib stream (RFC 1950), whatever its name says.
const ENCODINGS = new Map([
  ['application/octet-stream', 'raw'],
  ['application/x-gzip', 'zlib'],
  ['application/x-bzip2', 'bzip2'],
]);

function readChecksum(element: XmlElement, path: string): Checksum {
  const style = styleOf(element, path);
  const hex = element.text.trim().toLowerCase();
  if (!/^[0-9a-f]+$/.test(hex) || hex.length !== 2 * CHECKSUM_BYTES[style]) {
    throw damaged('XAR_CHECKSUM', `the ${element.name} is not a ${style} value`, path);
  }
  return { style, hex };
}

function styleOf(element: XmlElement, path: string): ChecksumStyle {
  const text = element.attributes.get('style') ?? 'none';
  const style = checksumStyle(text);
  if (style === null) {
    throw unsupported('XAR_CHECKSUM_STYLE', `the ${element.name} style "${printable(text)}" is not accepted`, path);
  }
  return style;
}

/** A number of bytes, as an element of its own. */
function numberIn(parent: XmlElement, name: string, path: string): number {
  const text = onlyChild(parent, name, path)?.text.trim() ?? '';
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw damaged('XAR_NUMBER', `the ${name} "${printable(text)}" is no number`, path);
  return value;
}
