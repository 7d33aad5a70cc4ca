import type { Entry, getFileNameLowLevel } from 'yauzl';
import { damaged, printable } from '../errors.ts';
import { decodeUtf8 } from '../names.ts';

const UTF8 = 0x800;
const UNIX = 3;
const MACOS = 19;

/**
 * The name of an entry as text: UTF-8 where the archive says so, else code page 437. What writers on Unix make is UTF-8
 * whenever it can be: Apple's never say so. `decode` is the library's. Throws FlatpkgError.
 */
export function nameOf(entry: Entry, decode: typeof getFileNameLowLevel): string {
  const { fileNameRaw: bytes, generalPurposeBitFlag: flags, extraFields, versionMadeBy } = entry;
  const system = versionMadeBy >> 8;
  const unmarked = (system === UNIX || system === MACOS) && decodeUtf8(bytes) !== null;
  const name = decode(unmarked ? flags | UTF8 : flags, bytes, extraFields, true);
  if (!name.includes('\ufffd')) return name;
  const shown = printable(bytes.toString('latin1', 0, 200));
  throw damaged('NAME', `a name is not valid UTF-8 (as Latin-1: "${shown}")`);
}
