import { type Dirent, readdirSync } from 'node:fs';
import path from 'node:path';

/** All that lies below a folder, folders before what is in them. No link is followed, as Node's own way does. */
export function* entriesBelow(folder: string): Generator<Dirent> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    yield entry;
    if (entry.isDirectory()) yield* entriesBelow(path.join(folder, entry.name));
  }
}
