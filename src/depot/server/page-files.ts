import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';

/** The files the page is made of, read once: they are few and small. */
export type PageFiles = ReadonlyMap<string, PageFile>;

export interface PageFile {
  body: Buffer;
  type: string;
  tag: string;
}

/** The page itself; all else has its hash in its name. */
export const INDEX = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * @param dir where the build put them
 * @throws D3Error failed `PAGE_MISSING`
 */
export async function readPage(dir: string): Promise<PageFiles> {
  try {
    const names = (await readdir(dir)).filter((name) => extension(name) in TYPES);
    const files = await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name))] as const));
    return pageFiles(files);
  } catch (error) {
    throw new D3Error('PAGE_MISSING', 'failed', `The page to look at is not there: ${(error as Error).message}.`, {
      target: dir,
      actions: ['build or install d3 again'],
      cause: error,
    });
  }
}

/** @param files names and contents, as the bundler makes them */
export function pageFiles(files: readonly (readonly [name: string, body: Uint8Array])[]): PageFiles {
  return new Map(
    files.map(([name, content]) => {
      const body = Buffer.from(content);
      const type = TYPES[extension(name)] ?? 'application/octet-stream';
      return [name, { body, type, tag: `"${createHash('sha256').update(body).digest('hex')}"` }];
    }),
  );
}

function extension(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
