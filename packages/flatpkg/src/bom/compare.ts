import { printable } from '../errors.ts';
import type { FileEntry } from '../payload/entries.ts';
import type { Warnings } from '../warnings.ts';
import type { BomEntry } from './read.ts';

/**
 * Compares a bill of materials with what the payload really holds. The payload counts, so every difference is only a
 * warning. Checksums are compared where the payload's entry has one.
 */
export function compareWithBom(entries: readonly FileEntry[], bom: readonly BomEntry[], warnings: Warnings): void {
  const records = new Map(bom.map((record) => [record.path, record]));
  for (const entry of entries) {
    const record = records.get(entry.path);
    records.delete(entry.path);
    if (record === undefined) warn(warnings, entry.path, 'is in the payload, but not in the bill of materials');
    else if (record.complete) compareOne(entry, record, warnings);
  }
  for (const record of records.values()) {
    // Left out of the payload's list on purpose.
    if (record.path.slice(record.path.lastIndexOf('/') + 1).startsWith('._')) continue;
    warn(warnings, record.path, 'is in the bill of materials, but not in the payload');
  }
}

/** POSIX checksums by path, as the bill of materials has them. */
export function checksumsOf(bom: readonly BomEntry[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const record of bom) if (record.type === 'file' && record.complete) sums.set(record.path, record.cksum);
  return sums;
}

function compareOne(entry: FileEntry, record: BomEntry, warnings: Warnings): void {
  if (record.type !== entry.type) {
    warn(warnings, entry.path, `is a ${entry.type}, the bill of materials says ${record.type}`);
    return;
  }
  if ((record.mode & 0o7777) !== entry.mode) differ(warnings, entry.path, 'mode');
  if (record.uid !== entry.uid || record.gid !== entry.gid) differ(warnings, entry.path, 'owner');
  if (entry.type === 'file' && record.size !== entry.size % 2 ** 32) differ(warnings, entry.path, 'size');
  if (entry.type === 'file' && entry.cksum !== null && record.cksum !== entry.cksum) {
    differ(warnings, entry.path, 'checksum');
  }
  if (entry.type === 'symlink' && record.target !== entry.target) differ(warnings, entry.path, 'target');
}

function differ(warnings: Warnings, path: string, what: string): void {
  warn(warnings, path, `the ${what} differs from the bill of materials`);
}

function warn(warnings: Warnings, path: string, text: string): void {
  warnings.add('bill of materials', `${printable(path)}: ${text}`);
}
