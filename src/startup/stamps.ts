import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** How a file or folder is now; null when it is not there. */
export function stampOf(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.mtimeMs}:${stat.size}`;
}

/** A folder with everything below it, so that what is added, removed or changed there is noticed. */
export function stampsBelow(folder: string): Record<string, string | null> {
  const stamps: Record<string, string | null> = { [folder]: stampOf(folder) };
  if (stamps[folder] === null) return stamps;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) Object.assign(stamps, stampsBelow(file));
    else stamps[file] = stampOf(file);
  }
  return stamps;
}

export function areUnchanged(stamps: Readonly<Record<string, string | null>>): boolean {
  return Object.entries(stamps).every(([file, stamp]) => stampOf(file) === stamp);
}
