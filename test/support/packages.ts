import { gzipSync } from 'node:zlib';

/** One entry of a package's archive. */
export interface Entry {
  path: string;
  content?: string;
  /** As tar has it: a file (0), a hard link (1), a link (2), a folder (5). */
  type?: '0' | '1' | '2' | '5';
  to?: string;
  mode?: number;
}

const BLOCK = 512;

/** A package as npm takes it, with whatever entries: no archiver would write some of them. */
function archive(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = '', type = '0', to = '', mode = 0o644 }) => {
    const body = Buffer.from(content);
    const header = Buffer.alloc(BLOCK);
    header.write(path, 0, 100);
    header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write(type, 156);
    header.write(to, 157, 100);
    header.write('ustar\u000000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]));
}

/** A plugin's package: its files below `package/`. */
export function packed(files: Readonly<Record<string, string>>, more: readonly Entry[] = []): Buffer {
  return archive([...Object.entries(files).map(([path, content]) => ({ path: `package/${path}`, content })), ...more]);
}
