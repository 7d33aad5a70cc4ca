import type { Tally } from '../budget.ts';
import { damaged } from '../errors.ts';
import { decodeUtf8, MAX_COMPONENT_BYTES, MAX_PATH_BYTES, MAX_TARGET_BYTES } from '../names.ts';

/** One record of a bill of materials. */
export interface BomEntry {
  /** `.` or a path below it without the leading `./`. */
  path: string;
  type: 'file' | 'dir' | 'symlink' | 'device';
  /** False for records that hold a name only (AppleDouble files): their numbers mean nothing. */
  complete: boolean;
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  /** Bytes modulo 2^32. */
  size: number;
  /** POSIX cksum of a file's content or of a symlink's target; 0 for folders. */
  cksum: number;
  target: string | null;
}

interface Leaf {
  id: number;
  parent: number;
  name: string;
  record: Buffer;
}

const TYPES = ['file', 'dir', 'symlink', 'device'] as const;
const HEADER = 32;

/**
 * Reads the path list of a bill of materials. `member` names it in errors. Paths come in the order of the file.
 * Throws FlatpkgError `damaged` for anything out of range, twice, circular or unsafe.
 */
export function readBom(bytes: Buffer, member: string, tally: Tally): BomEntry[] {
  return new BomReader(bytes, member, tally).entries();
}

class BomReader {
  readonly #bytes: Buffer;
  readonly #member: string;
  // Blocks may overlap, so a small file can hold any amount of records, names and targets.
  readonly #tally: Tally;
  readonly #indexAt: number;
  readonly #indexCount: number;
  readonly #visited = new Set<number>();

  constructor(bytes: Buffer, member: string, tally: Tally) {
    this.#bytes = bytes;
    this.#member = member;
    this.#tally = tally;
    const header = this.#slice(0, HEADER);
    if (header.toString('latin1', 0, 8) !== 'BOMStore' || header.readUInt32BE(8) !== 1) throw this.#bad('no BOMStore');
    const index = this.#slice(header.readUInt32BE(16), header.readUInt32BE(20));
    if (index.length < 4) throw this.#bad('the index is empty');
    this.#indexAt = header.readUInt32BE(16) + 4;
    this.#indexCount = index.readUInt32BE(0);
    if (this.#indexCount * 8 > index.length - 4) throw this.#bad('the index is shorter than it says');
  }

  entries(): BomEntry[] {
    const leaves = this.#leaves(this.#pathsTree());
    const byId = new Map<number, Leaf>();
    for (const leaf of leaves) {
      if (leaf.id === 0 || byId.has(leaf.id)) throw this.#bad(`two records have the id ${leaf.id}`);
      byId.set(leaf.id, leaf);
    }
    const paths = new Map<number, string>();
    const seen = new Set<string>();
    return leaves.map((leaf) => {
      const path = this.#pathOf(leaf, byId, paths);
      if (seen.has(path)) throw this.#bad('a path is there twice');
      seen.add(path);
      return this.#record(leaf.record, path);
    });
  }

  /** The path of one leaf, its parents first; `paths` keeps what is known, so the whole takes linear time. */
  #pathOf(leaf: Leaf, byId: Map<number, Leaf>, paths: Map<number, string>): string {
    const chain: Leaf[] = [];
    let at: Leaf | undefined = leaf;
    while (at !== undefined && !paths.has(at.id)) {
      chain.push(at);
      // The longest path has 512 parts, so a longer chain is a circle.
      if (chain.length > 600) throw this.#bad('parents run in a circle or far too deep');
      if (at.parent === 0) break;
      const parent = byId.get(at.parent);
      if (parent === undefined) throw this.#bad('a record has no parent');
      at = parent;
    }
    for (const part of chain.toReversed()) {
      const above = part.parent === 0 ? null : (paths.get(part.parent) as string);
      if (above === null && part.name !== '.') throw this.#bad('the root record is not "."');
      if (above !== null && (part.name === '.' || part.name === '..')) throw this.#bad('a name is "." or ".."');
      const path = above === null || above === '.' ? part.name : `${above}/${part.name}`;
      if (path.length > MAX_PATH_BYTES) throw this.#bad(`a path is longer than ${MAX_PATH_BYTES} bytes`);
      this.#tally.addNames(path.length, this.#member);
      paths.set(part.id, path);
    }
    return paths.get(leaf.id) as string;
  }

  #pathsTree(): Buffer {
    const header = this.#slice(0, HEADER);
    const table = this.#slice(header.readUInt32BE(24), header.readUInt32BE(28));
    let at = 4;
    const count = table.length < 4 ? 0 : table.readUInt32BE(0);
    for (let index = 0; index < count && at + 5 <= table.length; index += 1) {
      const length = table[at + 4] as number;
      if (table.toString('latin1', at + 5, at + 5 + length) === 'Paths') {
        const tree = this.#block(table.readUInt32BE(at));
        if (tree.length < 21 || tree.toString('latin1', 0, 4) !== 'tree') throw this.#bad('the path list is no tree');
        return tree;
      }
      at += 5 + length;
    }
    throw this.#bad('there is no path list');
  }

  #leaves(tree: Buffer): Leaf[] {
    const leaves: Leaf[] = [];
    let node = this.#node(tree.readUInt32BE(8));
    while (node.readUInt16BE(0) === 0) {
      if (node.readUInt16BE(2) === 0) throw this.#bad('an inner node is empty');
      node = this.#node(node.readUInt32BE(12));
    }
    for (;;) {
      const count = node.readUInt16BE(2);
      for (let index = 0; index < count; index += 1) {
        this.#tally.addEntry(0, this.#member);
        leaves.push(this.#leaf(node.readUInt32BE(12 + 8 * index), node.readUInt32BE(16 + 8 * index)));
      }
      const forward = node.readUInt32BE(4);
      if (forward === 0) return leaves;
      if (count === 0) throw this.#bad('a leaf is empty');
      node = this.#node(forward);
      if (node.readUInt16BE(0) === 0) throw this.#bad('an inner node among the leaves');
    }
  }

  #leaf(infoBlock: number, fileBlock: number): Leaf {
    const info = this.#block(infoBlock);
    const file = this.#block(fileBlock);
    if (info.length < 8 || file.length < 6) throw this.#bad('a record is too short');
    const end = file.indexOf(0, 4);
    if (end < 0 || end - 4 > MAX_COMPONENT_BYTES) throw this.#bad('a name has no end, or is too long');
    const name = decodeUtf8(file.subarray(4, end));
    if (name === null || name === '' || name.includes('/')) throw this.#bad('a name is unsafe');
    return {
      id: info.readUInt32BE(0),
      parent: file.readUInt32BE(0),
      name,
      record: this.#block(info.readUInt32BE(4)),
    };
  }

  #record(record: Buffer, path: string): BomEntry {
    if (record.length < 23) throw this.#bad('a record is too short');
    const type = TYPES[(record[0] as number) - 1];
    if (type === undefined) throw this.#bad(`a record has the unknown type ${record[0]}`);
    const hasSum = type !== 'dir' && record.length >= 27;
    return {
      path,
      type,
      complete: (record.readUInt16BE(2) & 0xf) === 0xf,
      mode: record.readUInt16BE(4),
      uid: record.readUInt32BE(6),
      gid: record.readUInt32BE(10),
      mtime: record.readUInt32BE(14),
      size: record.readUInt32BE(18),
      cksum: hasSum ? record.readUInt32BE(23) : 0,
      target: type === 'symlink' ? this.#target(record) : null,
    };
  }

  #target(record: Buffer): string {
    const length = record.length < 31 ? -1 : record.readUInt32BE(27);
    if (length < 1 || 31 + length > record.length || record[30 + length] !== 0) {
      throw this.#bad('a symlink has no target');
    }
    if (length > MAX_TARGET_BYTES + 1) throw this.#bad('the target of a symlink is too long');
    this.#tally.addNames(length, this.#member);
    const target = decodeUtf8(record.subarray(31, 30 + length));
    if (target === null || target.includes('\0')) throw this.#bad('the target of a symlink is not valid text');
    return target;
  }

  /** A tree node; each may be met once only, which also ends every circle. */
  #node(block: number): Buffer {
    if (this.#visited.has(block)) throw this.#bad('the tree runs in a circle');
    this.#visited.add(block);
    const node = this.#block(block);
    if (node.length < 12 || 12 + 8 * node.readUInt16BE(2) > node.length) throw this.#bad('a tree node is too short');
    return node;
  }

  #block(number: number): Buffer {
    if (number === 0 || number >= this.#indexCount) throw this.#bad(`there is no block ${number}`);
    const at = this.#indexAt + 8 * number;
    return this.#slice(this.#bytes.readUInt32BE(at), this.#bytes.readUInt32BE(at + 4));
  }

  #slice(offset: number, length: number): Buffer {
    if (offset + length > this.#bytes.length) throw this.#bad('something lies beyond its end');
    return this.#bytes.subarray(offset, offset + length);
  }

  #bad(problem: string): Error {
    return damaged('BOM', `not a sound bill of materials: ${problem}`, this.#member);
  }
}
