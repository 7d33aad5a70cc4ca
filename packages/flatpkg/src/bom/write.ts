import { cksumOf } from '../cksum.ts';

/** One path to list. */
export interface BomSource {
  /** `.` first, then paths below it without a leading `./`, every folder before what is in it. */
  path: string;
  type: 'file' | 'dir' | 'symlink';
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  size: number;
  /** POSIX cksum of a file's content; ignored for others. */
  cksum: number;
  /** Target of a symlink. */
  target: string | null;
}

const HEADER = 512;
const NODE = 4096;
const VINDEX_NODE = 128;
const ENTRIES_A_NODE = 256;
const TYPE_NUMBERS = { file: 1, dir: 2, symlink: 3 } as const;
// Every field of the record is valid.
const FLAGS = 0x000f;

/** A bill of materials as current Apple tools write it, without Mach-O details. Ids follow the order of `sources`. */
export function writeBom(sources: readonly BomSource[]): Buffer {
  const store = new BlockStore();
  const variables: [name: string, block: number][] = [
    ['BomInfo', store.add(bomInfo(sources))],
    ['Paths', addPaths(store, sources)],
    ['HLIndex', addTree(store, [], NODE)],
    ['VIndex', store.add(vIndex(addTree(store, [], VINDEX_NODE)))],
    ['Size64', addTree(store, [], NODE)],
  ];
  return store.file(variables);
}

/** Blocks in order; number 0 is the null block. */
class BlockStore {
  readonly #blocks: Buffer[] = [Buffer.alloc(0)];

  add(block: Buffer): number {
    this.#blocks.push(block);
    return this.#blocks.length - 1;
  }

  file(variables: readonly [name: string, block: number][]): Buffer {
    const index = Buffer.alloc(4 + 8 * this.#blocks.length + 4);
    index.writeUInt32BE(this.#blocks.length, 0);
    let offset = HEADER;
    this.#blocks.forEach((block, number) => {
      if (number === 0) return;
      index.writeUInt32BE(offset, 4 + 8 * number);
      index.writeUInt32BE(block.length, 8 + 8 * number);
      offset += block.length;
    });
    const table = variableTable(variables);
    const header = Buffer.alloc(HEADER);
    header.write('BOMStore', 0, 'latin1');
    header.writeUInt32BE(1, 8);
    header.writeUInt32BE(this.#blocks.length - 1, 12);
    header.writeUInt32BE(offset + table.length, 16);
    header.writeUInt32BE(index.length, 20);
    header.writeUInt32BE(offset, 24);
    header.writeUInt32BE(table.length, 28);
    return Buffer.concat([header, ...this.#blocks, table, index]);
  }
}

function variableTable(variables: readonly [name: string, block: number][]): Buffer {
  const parts = [u32(variables.length)];
  for (const [name, block] of variables)
    parts.push(u32(block), Buffer.from([name.length]), Buffer.from(name, 'latin1'));
  return Buffer.concat(parts);
}

/** One line of totals; without Mach-O details all bytes count as not executable. */
function bomInfo(sources: readonly BomSource[]): Buffer {
  const total = sources.reduce((sum, { type, size }) => (type === 'dir' ? sum : sum + size), 0);
  return u32(1, sources.length + 1, 1, 0, 0, total % 2 ** 32, 0);
}

function vIndex(tree: number): Buffer {
  return Buffer.concat([u32(1, tree, 0), Buffer.alloc(1)]);
}

/** A key (parent and name) and its value (id and record) by the numbers of their blocks. */
interface TreeEntry {
  value: number;
  key: number;
}

function addPaths(store: BlockStore, sources: readonly BomSource[]): number {
  const ids = new Map<string, number>();
  const rows = sources.map((source, index) => {
    const slash = source.path.lastIndexOf('/');
    const parentPath = source.path === '.' ? null : slash < 0 ? '.' : source.path.slice(0, slash);
    const parent = parentPath === null ? 0 : ids.get(parentPath);
    if (parent === undefined) throw new RangeError(`"${source.path}" comes before its folder`);
    ids.set(source.path, index + 1);
    return { source, id: index + 1, parent, name: Buffer.from(`${source.path.slice(slash + 1)}\0`) };
  });
  rows.sort((a, b) => a.parent - b.parent || Buffer.compare(a.name, b.name));
  const entries = rows.map(({ source, id, parent, name }) => {
    const record = store.add(recordOf(source));
    return { value: store.add(u32(id, record)), key: store.add(Buffer.concat([u32(parent), name])) };
  });
  return addTree(store, entries, NODE);
}

/** Adds a tree's nodes, leaves first, and its head. Returns the number of the head. */
function addTree(store: BlockStore, entries: readonly TreeEntry[], nodeSize: number): number {
  const groups = groupsOf(entries);
  const nodes = groups.map((group) => ({ group, block: Buffer.alloc(nodeSize) }));
  let level: TreeEntry[] = nodes.map(({ group, block }) => ({
    value: store.add(block),
    key: group.at(-1)?.key ?? 0,
  }));
  nodes.forEach(({ group, block }, index) => {
    fillNode(block, true, group, level[index + 1]?.value ?? 0, level[index - 1]?.value ?? 0);
  });
  while (level.length > 1) {
    level = groupsOf(level).map((group) => {
      const block = Buffer.alloc(nodeSize);
      fillNode(block, false, group, 0, 0);
      return { value: store.add(block), key: group.at(-1)?.key ?? 0 };
    });
  }
  const root = level[0]?.value ?? 0;
  return store.add(
    Buffer.concat([Buffer.from('tree', 'latin1'), u32(1, root, nodeSize, entries.length), Buffer.alloc(1)]),
  );
}

/** At least one group, perhaps empty. */
function groupsOf(entries: readonly TreeEntry[]): TreeEntry[][] {
  const groups: TreeEntry[][] = [];
  for (let at = 0; at < entries.length; at += ENTRIES_A_NODE) groups.push(entries.slice(at, at + ENTRIES_A_NODE));
  return groups.length === 0 ? [[]] : groups;
}

function fillNode(
  block: Buffer,
  leaf: boolean,
  entries: readonly TreeEntry[],
  forward: number,
  backward: number,
): void {
  block.writeUInt16BE(leaf ? 1 : 0, 0);
  block.writeUInt16BE(entries.length, 2);
  block.writeUInt32BE(forward, 4);
  block.writeUInt32BE(backward, 8);
  entries.forEach(({ value, key }, index) => {
    block.writeUInt32BE(value, 12 + 8 * index);
    block.writeUInt32BE(key, 16 + 8 * index);
  });
}

function recordOf(source: BomSource): Buffer {
  const common = Buffer.alloc(23);
  common[0] = TYPE_NUMBERS[source.type];
  common[1] = 1;
  common.writeUInt16BE(FLAGS, 2);
  common.writeUInt16BE(source.mode, 4);
  common.writeUInt32BE(source.uid, 6);
  common.writeUInt32BE(source.gid, 10);
  common.writeUInt32BE(source.mtime % 2 ** 32, 14);
  common.writeUInt32BE(source.size % 2 ** 32, 18);
  common[22] = 1;
  const end = Buffer.alloc(8);
  if (source.type === 'dir') return Buffer.concat([common, end]);
  if (source.type === 'file') return Buffer.concat([common, u32(source.cksum), end]);
  const target = Buffer.from(source.target ?? '');
  return Buffer.concat([common, u32(cksumOf(target), target.length + 1), target, Buffer.alloc(1), end]);
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, 4 * index);
  });
  return bytes;
}
