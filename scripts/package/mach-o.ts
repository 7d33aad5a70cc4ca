const THIN = 0xfeedfacf;
const FAT = 0xcafebabe;
const HEADER_BYTES = 32;
const FAT_ENTRY_BYTES = 20;
const LC_VERSION_MIN_MACOSX = 0x24;
const LC_BUILD_VERSION = 0x32;
const MOST_PARTS = 16;

/**
 * The oldest macOS a program or a library says it runs on, as `13.5`; of one for several processors the newest of these.
 * @returns null for what is no 64-bit Mach-O, or says nothing
 * @throws Error for one that is damaged
 */
export function minimumMacOS(bytes: Buffer): string | null {
  const newest = Math.max(0, ...parts(bytes).map(versionIn));
  return newest === 0 ? null : versionText(newest);
}

function parts(bytes: Buffer): Buffer[] {
  if (bytes.length < HEADER_BYTES) return [];
  if (bytes.readUInt32LE(0) === THIN) return [bytes];
  if (bytes.readUInt32BE(0) !== FAT) return [];
  const count = bytes.readUInt32BE(4);
  // A class file of Java begins with the same bytes, and has its version there.
  if (count > MOST_PARTS) return [];
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + index * FAT_ENTRY_BYTES;
    const [offset, size] = [word(bytes, at + 8, 'BE'), word(bytes, at + 12, 'BE')];
    const part = bytes.subarray(offset, offset + size);
    if (part.length !== size || word(part, 0) !== THIN) throw damaged();
    return part;
  });
}

/** As it stands there: two bytes, one, and one. Zero when it does not say. */
function versionIn(part: Buffer): number {
  const commands = word(part, 16);
  const end = HEADER_BYTES + word(part, 20);
  let at = HEADER_BYTES;
  for (let index = 0; index < commands; index += 1) {
    const [command, size] = [word(part, at), word(part, at + 4)];
    if (size < 8 || at + size > end) throw damaged();
    if (command === LC_BUILD_VERSION) return word(part, at + 12);
    if (command === LC_VERSION_MIN_MACOSX) return word(part, at + 8);
    at += size;
  }
  return 0;
}

function word(bytes: Buffer, at: number, order: 'LE' | 'BE' = 'LE'): number {
  if (at + 4 > bytes.length) throw damaged();
  return order === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function damaged(): Error {
  return new Error('a program for macOS is damaged: its load commands do not fit');
}

function versionText(version: number): string {
  const [major, minor, patch] = [version >>> 16, (version >>> 8) & 0xff, version & 0xff];
  return [major, minor, ...(patch === 0 ? [] : [patch])].join('.');
}

/** The newer of two versions as {@link minimumMacOS} writes them. */
export function newerOf(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a.localeCompare(b, 'en', { numeric: true }) >= 0 ? a : b;
}
