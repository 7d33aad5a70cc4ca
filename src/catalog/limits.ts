import type { Cpu, Edition } from './types.ts';

/** An operating system as a machine states it: `macOS 15.6`, `debian 12`. */
export interface OperatingSystem {
  /** `macOS`, or the ID of os-release. */
  name: string;
  version: string;
  /** What it is made from, as ID_LIKE of os-release: `["ubuntu", "debian"]`. */
  like?: string[];
}

/** @returns what is wrong with an OS limit as typed, or null */
export function osLimitProblem(limit: string): string | null {
  if (parseLimit(limit) !== null || FAMILY.test(limit.trim())) return null;
  return `OS limit "${limit}" must look like >=10.9.5, 10.9.x, 13, "debian 12" or "like debian"`;
}

interface Limit {
  /** Null: macOS, as every limit of the ancestor means. */
  os: string | null;
  atLeast: boolean;
  parts: number[];
  /** Any further parts may follow. */
  open: boolean;
}

/** `like debian`: that and what is made from it, in any version. */
const FAMILY = /^like\s+([A-Za-z][\w.-]*)$/;

function parseLimit(limit: string): Limit | null {
  const match = /^(?:(?!like\b)([A-Za-z][\w.-]*)(?:\s+|(?=>=)))?(>=)?\s*(\d{1,8}(?:\.\d{1,8})*)(\.x)?$/.exec(
    limit.trim(),
  );
  if (match === null) return null;
  const [, os, atLeast, digits, wildcard] = match;
  if (atLeast !== undefined && wildcard !== undefined) return null;
  return {
    os: os ?? null,
    atLeast: atLeast !== undefined,
    parts: (digits as string).split('.').map(Number),
    open: wildcard !== undefined,
  };
}

/**
 * Whether an OS is within one of the limits. Numbers are compared part by part, without a ceiling.
 * `>=10.9.5` that and everything later; `10.9.x` and `13.x` any of that line; `10.9` exactly 10.9 or 10.9.0;
 * `13` alone any 13 (one part names a whole major). Without an OS name a limit means macOS.
 * What is made from a distribution numbers its releases by itself: only `like debian`, which names no version, lets it.
 */
export function osAllowed(limits: readonly string[], os: OperatingSystem): boolean {
  return limits.length === 0 || limits.some((limit) => osMatches(limit, os));
}

function osMatches(text: string, os: OperatingSystem): boolean {
  const family = FAMILY.exec(text.trim())?.[1]?.toLowerCase();
  if (family !== undefined) return [os.name, ...(os.like ?? [])].some((name) => name.toLowerCase() === family);
  const limit = parseLimit(text);
  if (limit === null) return false;
  if ((limit.os ?? 'macos').toLowerCase() !== os.name.toLowerCase()) return false;
  const version = partsOf(os);
  if (limit.atLeast) return compareParts(version, limit.parts) >= 0;
  if (limit.open || limit.parts.length === 1) return limit.parts.every((part, index) => (version[index] ?? 0) === part);
  return compareParts(version, limit.parts) === 0;
}

function partsOf({ name, version }: OperatingSystem): number[] {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  // What macOS 11 and later tell programs that were made for older ones.
  return name.toLowerCase() === 'macos' && parts[0] === 10 && parts[1] === 16 ? [11] : parts;
}

/** Part by part; what is missing counts as 0. */
export function compareParts(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const CPU_NAMES = new Map<string, Cpu>([
  ['x86_64', 'x86_64'],
  ['x86-64', 'x86_64'],
  ['x64', 'x86_64'],
  ['amd64', 'x86_64'],
  ['x86', 'x86_64'],
  ['intel', 'x86_64'],
  ['i386', 'x86_64'],
  ['arm64', 'arm64'],
  ['aarch64', 'arm64'],
  ['arm', 'arm64'],
]);

/** A CPU by any of its common names; null when it is none d3 knows (`ppc` too: no machine of today has one). */
export function cpuByName(name: string): Cpu | null {
  return CPU_NAMES.get(name.toLowerCase()) ?? null;
}

/**
 * The processor a Debian architecture is for.
 * @returns null for `all`, which every machine runs; undefined for one d3 has no word for
 */
export function cpuOfDebian(architecture: string): Cpu | null | undefined {
  if (architecture === 'all') return null;
  return architecture === 'amd64' ? 'x86_64' : architecture === 'arm64' ? 'arm64' : undefined;
}

/** For which machines an edition is. */
export type Fitting = Pick<Edition, 'oses' | 'cpu'> & { file: Pick<Edition['file'], 'format'> };

/**
 * What keeps a machine of this kind from ever having an edition, as far as it can be told from elsewhere: whether a Linux
 * has dpkg cannot.
 */
export function misfit({ oses, cpu: wanted, file }: Fitting, os: OperatingSystem, cpu: string): keyof Fitting | null {
  const isMac = os.name.toLowerCase() === 'macos';
  if (file.format !== 'pkg' && isMac !== (file.format === 'dmg')) return 'file';
  if (!osAllowed(oses, os)) return 'oses';
  return wanted === null || cpuByName(cpu) === wanted ? null : 'cpu';
}
