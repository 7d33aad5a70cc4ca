import { deflateSync, gzipSync } from 'node:zlib';
import { writeBom } from '../../src/bom/write.ts';
import { type CraftedEntry, type CraftedMember, cpio, DIR, dir, FILE, file, link, xar } from './craft.ts';
import { CPIO_FORMATS, cpioArchive } from './craft-cpio.ts';
import { bundle, zip } from './craft-zip.ts';
import { BZIP2, pbz, SAMPLE, XZ } from './encoded.ts';
import { mutateBytes, mutateXml } from './fuzz-mutate.ts';
import { Random } from './fuzz-random.ts';

/** One file of a package; `plain` is what is changed, `packed` makes of it what is stored. */
interface Part {
  name: string;
  kind: 'xml' | 'bytes';
  plain: Buffer;
  packed?: (plain: Buffer) => Buffer;
}

/** A package as its parts: those of the top level, and those in folders. */
interface Specimen {
  top: Part[];
  folders: { name: string; parts: Part[] }[];
}

const ENTRIES: CraftedEntry[] = [
  dir('.'),
  dir('./Library'),
  file('./Library/a', 'hello'),
  link('./Library/l', '../../x'),
  file('./Library/empty', ''),
  file('./é', Buffer.alloc(3000, 'b'), { mode: 0o104755 }),
];
const SCRIPTS = [file('./preinstall', '#!/bin/sh\n'), file('./d/postinstall', '#!/bin/sh\nexit 0\n')];
const gzip = (bytes: Buffer) => gzipSync(bytes, { level: 1 });
const xml = (name: string, text: string): Part => ({ name, kind: 'xml', plain: Buffer.from(text) });

const INFO = (id: string) =>
  `<?xml version="1.0" encoding="utf-8"?><pkg-info format-version="2" identifier="com.example.${id}" version="1.2" install-location="/opt/x" auth="root" postinstall-action="restart" minimumSystemVersion="11.0"><payload numberOfFiles="6" installKBytes="4"/><bundle path="./A.app" id="com.example.app" CFBundleVersion="7"/><relocate><bundle id="com.example.app"/></relocate><must-close><app id="com.example.app"/></must-close><scripts><preinstall file="./preinstall"/></scripts></pkg-info>`;
const DISTRIBUTION = `<installer-gui-script minSpecVersion="1"><title>T</title><product id="p" version="3"/><options hostArchitectures="x86_64,arm64" customize="never"/><volume-check><allowed-os-versions><os-version min="10.13" before="99"/></allowed-os-versions></volume-check><choices-outline><line choice="one"/><line choice="two"/></choices-outline><choice id="one" customLocation="/usr/local"><pkg-ref id="a"/></choice><choice id="two" start_selected="true"><pkg-ref id="b"/></choice><pkg-ref id="a" onConclusion="RequireRestart">#a%20b.pkg</pkg-ref><pkg-ref id="b" version="2">#two.pkg</pkg-ref></installer-gui-script>`;

function bomOf(entries: readonly CraftedEntry[]): Part {
  const plain = writeBom(
    entries.map(({ name, mode = FILE, data = '' }) => {
      const type = mode === DIR ? 'dir' : mode >= 0o120000 ? 'symlink' : 'file';
      const path = String(name).replace(/^\.\//, '');
      const size = Buffer.from(data as string).length;
      const target = type === 'symlink' ? String(data) : null;
      return { path, type, mode, uid: 0, gid: 0, mtime: 1_000_000_000, size, cksum: 1, target };
    }),
  );
  return { name: 'Bom', kind: 'bytes', plain };
}

function component(id: string, payload: Partial<Part> = {}): Part[] {
  return [
    xml('PackageInfo', INFO(id)),
    bomOf(ENTRIES),
    { name: 'Payload', kind: 'bytes', plain: cpio(ENTRIES), packed: gzip, ...payload },
    { name: 'Scripts', kind: 'bytes', plain: cpio(SCRIPTS), packed: gzip },
  ];
}

const raw = (bytes: Buffer) => bytes;
const pbzx = pbz('x', 1 << 24, [{ size: SAMPLE.length, bytes: XZ }]);
const pbzz = pbz('z', 2000, [{ size: SAMPLE.length, bytes: deflateSync(SAMPLE) }]);

/** Packages as this project writes and reads them, one of every kind. */
const SPECIMENS: readonly Specimen[] = [
  { top: component('one'), folders: [] },
  { top: component('bare', { packed: raw }), folders: [] },
  {
    top: [xml('Distribution', DISTRIBUTION)],
    folders: [
      { name: 'a b.pkg', parts: component('a') },
      { name: 'two.pkg', parts: component('b') },
      { name: 'Resources', parts: [{ name: 'x.txt', kind: 'bytes', plain: Buffer.from('text') }] },
    ],
  },
  ...CPIO_FORMATS.map((format) => ({
    top: component(format, { plain: cpioArchive(format, linked()) }),
    folders: [],
  })),
  ...[BZIP2, XZ, pbzx, pbzz].map((plain) => ({ top: component('packed', { plain, packed: raw }), folders: [] })),
];

function linked(): CraftedEntry[] {
  const shared = { ino: 7, nlink: 3, dev: 1 };
  return [...ENTRIES, file('./1', '', shared), file('./2', '', shared), file('./3', 'shared', shared)];
}

/** A package that is not quite what it should be, always the same for the same numbers. */
export function numberedMutant(seed: number, number: number): Buffer {
  return mutant(new Random(seed * 1_000_003 + number));
}

function mutant(random: Random): Buffer {
  const kind = random.below(14);
  if (kind === 0) return mutateBytes(random, archiveOf(random.pick(SPECIMENS)));
  if (kind === 1) return zipped(random);
  const { top, folders } = random.pick(SPECIMENS);
  if (kind <= 4) return archiveOf({ top, folders }, (toc) => mutateXml(random, toc));
  if (kind <= 6) return archiveOf({ top: component('wild', { plain: wild(random) }), folders: [] });
  const parts = [...top, ...folders.flatMap((folder) => folder.parts)];
  const chosen = random.pick(parts);
  // Before it is packed, or after: hashes are right in both cases.
  const deep = !random.once(4);
  const change = (part: Part): Part => {
    if (part !== chosen) return part;
    const { packed = raw } = part;
    if (!deep) return { ...part, packed: (plain) => mutateBytes(random, packed(plain)) };
    if (part.kind === 'bytes') return { ...part, plain: mutateBytes(random, part.plain) };
    return { ...part, plain: Buffer.from(mutateXml(random, part.plain.toString()), 'utf8') };
  };
  const changed = folders.map((folder) => ({ ...folder, parts: folder.parts.map(change) }));
  return archiveOf({ top: top.map(change), folders: changed });
}

/** A bundle in a zip, changed in one member with its checksums right, or anywhere. */
function zipped(random: Random): Buffer {
  const members = bundle({ payload: ENTRIES }, [{ name: 'Example.pkg/Contents/Archive.bom', content: 'BOMStore' }]);
  if (random.once(2)) return mutateBytes(random, zip(members));
  const chosen = random.pick(members);
  const change = (bytes: Buffer) =>
    random.once(2) ? mutateBytes(random, bytes) : Buffer.from(mutateXml(random, bytes.toString('latin1')), 'latin1');
  return zip(
    members.map((member) =>
      member === chosen ? { ...member, content: change(Buffer.from((member.content ?? '') as string)) } : member,
    ),
  );
}

const NAMES = ['./a', './a/b', './a/b/c', './b', './b/a', './c', '.', 'a', './A', './é', './e\u0301', './._a', '..'];
const EVIL = ['../evil', '/evil', './../evil', './a/../../evil', './/evil', '', './a/.', './a/', './n\0n', './..'];
const MODES = [FILE, FILE, FILE, DIR, DIR, 0o120777, 0o120777, 0o100000, 0o106755, 0o040000, 0o041777];
const STRANGE = [0o020666, 0o010644, 0o644, 0o170000];

/** An archive in which everything may meet everything: links, folders and files of the same names. */
function wild(random: Random): Buffer {
  const entries = Array.from({ length: 1 + random.below(6) }, () => ({
    name: random.pick(random.once(8) ? EVIL : NAMES),
    mode: random.pick(random.once(20) ? STRANGE : MODES),
    data: random.pick(['', 'x', 'a', '..', '/etc', '../outside']),
    uid: random.pick([0, 501]),
    ino: random.below(3),
    nlink: 1 + random.below(3),
    mtime: random.pick([0, 1_000_000_000, 0o37777777777]),
  }));
  for (const entry of entries) if (entry.mode >>> 12 === 4) entry.data = random.once(20) ? 'x' : '';
  return cpioArchive(random.pick(CPIO_FORMATS), entries, random.once(9) ? 'cut' : 'trailer');
}

function archiveOf({ top, folders }: Specimen, toc: (xml: string) => string = (text) => text): Buffer {
  const members: CraftedMember[] = top.map(memberOf);
  folders.forEach(({ name, parts }, number) => {
    parts.forEach((part, index) => {
      const id = 1000 + number;
      const start = index === 0 ? `<file id="${id}"><type>directory</type><name>${name}</name>` : '';
      const end = index === parts.length - 1 ? '</file>' : '';
      members.push({ ...memberOf(part), xml: (text) => start + text + end });
    });
  });
  return xar(members, { toc });
}

function memberOf({ name, kind, plain, packed }: Part): CraftedMember {
  return { name, content: packed?.(plain) ?? plain, zlib: kind === 'xml' || name === 'Bom' };
}
