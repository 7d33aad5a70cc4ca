import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { translated } from '../pkg.ts';
import { type ArMember, arContent, arMembers } from './ar.ts';
import { type Control, readControl } from './control.ts';
import { damaged } from './errors.ts';
import { readTar, type TarEntry, type TarLimits } from './tar.ts';

/** One thing a Debian package puts on a machine. */
interface DebEntry {
  /** Absolute within the root. */
  path: string;
  type: 'file' | 'dir' | 'symlink';
  /** Permission bits. */
  mode: number;
  size: number;
  target: string | null;
}

/** A Debian package, read without dpkg. */
export interface DebSummary {
  control: Control;
  /** Maintainer scripts it carries, which dpkg runs: `preinst`, `postinst`, `prerm`, `postrm`. */
  scripts: string[];
  entries: DebEntry[];
}

const MiB = 1024 * 1024;
const CONTROL_LIMITS: TarLimits = { entries: 1000, bytes: 64 * MiB, nameBytes: MiB, contentBytes: 16 * MiB };
const DATA_LIMITS: TarLimits = { entries: 1_000_000, bytes: 64 * 1024 * MiB, nameBytes: 128 * MiB, contentBytes: 0 };
const SCRIPTS = ['preinst', 'postinst', 'prerm', 'postrm', 'config'];

/** How members are compressed, by the end of their name, and how such data begins. */
const COMPRESSIONS: Readonly<Record<string, string>> = {
  '.gz': '\x1f\x8b',
  '.xz': '\xfd7zXZ\0',
  '.bz2': 'BZh',
  '.zst': '\x28\xb5\x2f\xfd',
};

/**
 * Reads all of a Debian package: control file, maintainer scripts, and everything its data holds. Nothing is written.
 * @param target names it in errors
 * @throws D3Error verificationFailed (33) when it is damaged, refused (30) when it holds what d3 does not take
 */
export async function inspectDeb(file: FileHandle, target: string): Promise<DebSummary> {
  const [version, ...rest] = await arMembers(file, target);
  if (version?.name !== 'debian-binary') throw damaged(target, 'its first member is not debian-binary');
  const format = await textOf(file, version, target);
  if (!/^2\.\d+\n/.test(format)) throw damaged(target, 'it is of another format than 2');
  // What a name with an underscore stands for may be passed over; nothing else may stand there.
  const [control, data, more] = rest.filter(({ name }) => !name.startsWith('_'));
  if (control === undefined || !/^control\.tar(?:\.|$)/.test(control.name)) throw damaged(target, 'it has no control');
  if (data === undefined || !/^data\.tar(?:\.|$)/.test(data.name)) throw damaged(target, 'it has no data');
  if (more !== undefined) throw damaged(target, `it has a member ${printable(more.name)} behind its data`);
  const about = await readTar(decoded(file, control, target), CONTROL_LIMITS, target, control.name);
  const document = about.find(({ path: name, type }) => name === 'control' && type === 'file')?.content ?? null;
  if (document === null) throw damaged(target, 'it has no control file');
  const entries = await readTar(decoded(file, data, target), DATA_LIMITS, target, data.name);
  return {
    control: readControl(document, target),
    scripts: SCRIPTS.filter((name) => about.some(({ path: at, type }) => at === name && type === 'file')),
    entries: placed(entries, target),
  };
}

async function textOf(file: FileHandle, member: ArMember, target: string): Promise<string> {
  if (member.size > 100) throw damaged(target, `${member.name} is too long`);
  let text = '';
  for await (const piece of arContent(file, member, target)) text += piece.toString('latin1');
  return text;
}

async function* decoded(file: FileHandle, member: ArMember, target: string): AsyncGenerator<Buffer, void, undefined> {
  const ending = path.extname(member.name);
  const content = arContent(file, member, target);
  if (ending === '.tar') {
    yield* content;
    return;
  }
  const magic = COMPRESSIONS[ending];
  if (magic === undefined) throw damaged(target, `${printable(member.name)} is compressed in a way d3 does not know`);
  const checked = startingWith(magic, content, `${member.name} is not compressed as its name says`, target);
  if (ending === '.zst') yield* unzstd(checked, member.name, target);
  else yield* decompressed(checked, member.name, target);
}

async function* startingWith(
  magic: string,
  content: AsyncGenerator<Buffer, void, undefined>,
  problem: string,
  target: string,
): AsyncGenerator<Buffer, void, undefined> {
  let isFirst = true;
  for await (const piece of content) {
    if (isFirst && !piece.toString('latin1', 0, magic.length).startsWith(magic)) throw damaged(target, problem);
    isFirst = false;
    yield piece;
  }
  if (isFirst) throw damaged(target, problem);
}

async function* unzstd(
  content: AsyncGenerator<Buffer, void, undefined>,
  member: string,
  target: string,
): AsyncGenerator<Buffer, void, undefined> {
  // Pieces are lent; a stream keeps them.
  const source = Readable.from(copied(content), { objectMode: false, highWaterMark: MiB });
  const decoder = createZstdDecompress();
  let failure: unknown = null;
  source.on('error', (error) => {
    failure = error;
    decoder.destroy(error);
  });
  try {
    yield* source.pipe(decoder) as AsyncIterable<Buffer>;
  } catch (error) {
    throw failure ?? damaged(target, `${member} cannot be decompressed (${(error as Error).message})`);
  } finally {
    source.destroy();
  }
}

async function* copied(content: AsyncGenerator<Buffer, void, undefined>): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of content) yield Buffer.from(piece);
}

async function* decompressed(
  content: AsyncGenerator<Buffer, void, undefined>,
  member: string,
  target: string,
): AsyncGenerator<Buffer, void, undefined> {
  const { decompress } = await import('@d3/flatpkg');
  const pieces = decompress(content, member);
  for (;;) {
    const { done, value } = await translated(target, () => pieces.next());
    if (done === true) return;
    yield value;
  }
}

/** Where everything goes, folders that only follow from a name included; later entries of one name replace earlier ones. */
function placed(entries: readonly TarEntry[], target: string): DebEntry[] {
  const found = new Map<string, DebEntry>();
  for (const entry of entries) {
    const { path: name, type, mode, size } = entry;
    if (name === '.') continue;
    if (type === 'other') throw damaged(target, `it holds ${printable(name)}, which is no file, folder or link`);
    const at = `/${name}`;
    const before = found.get(at);
    if (before !== undefined && (before.type === 'dir') !== (type === 'dir'))
      throw damaged(target, `${printable(name)} is a folder and something else`);
    if (type === 'hardlink') {
      const first = found.get(`/${entry.target ?? ''}`);
      if (first?.type !== 'file') throw damaged(target, `${printable(name)} is a link to what does not come before it`);
      found.set(at, { ...first, path: at });
    } else found.set(at, { path: at, type, mode, size, target: entry.target });
  }
  for (const at of found.keys()) {
    const folder = found.get(path.posix.dirname(at));
    if (folder !== undefined && folder.type !== 'dir')
      throw damaged(target, `${printable(at)} lies in what is no folder`);
  }
  return [...found.values()];
}

function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?');
}
