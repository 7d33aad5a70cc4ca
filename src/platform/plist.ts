import type { PlainPlist } from '@d3/flatpkg';

/** Reads the property list a program of the system printed. @returns null when it is none */
export async function parsePlist(text: string): Promise<PlainPlist | null> {
  const { readPlainPlist } = await import('@d3/flatpkg');
  try {
    return readPlainPlist(Buffer.from(text), 'plist');
  } catch {
    return null;
  }
}

/** One value of a dictionary; undefined when it is none, or has no such key. */
export function plistValue(value: PlainPlist | null | undefined, key: string): PlainPlist | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value instanceof Date || Buffer.isBuffer(value) ? undefined : value[key];
}
