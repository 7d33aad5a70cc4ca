import { readFileSync } from 'node:fs';
import path from 'node:path';

/** When this d3 was built, as its build wrote it down; null where it is run from its sources. @param own root of its package */
export function builtAt(own: string): Date | null {
  try {
    const at = new Date(readFileSync(path.join(own, 'dist', '.built'), 'utf8').trim());
    return Number.isNaN(at.getTime()) ? null : at;
  } catch {
    return null;
  }
}
