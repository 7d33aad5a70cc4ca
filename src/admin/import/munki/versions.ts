/** Versions as Munki compares them. */

type Part = number | string;

function partsOf(version: string): Part[] {
  return (version.toLowerCase().match(/\d+|[a-z]+|[^\da-z.\s]+/g) ?? []).map((part) =>
    /^\d/.test(part) ? Number(part) : part,
  );
}

/** Below 0, 0 or above: part by part, what is missing counts as 0, and a word is above any number. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareParts(left[index] ?? 0, right[index] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: Part, b: Part): number {
  if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b);
  if (typeof a === 'number') return -1;
  if (typeof b === 'number') return 1;
  return a < b ? -1 : Number(a > b);
}

/** What versions that are one to Munki have in common: 1.0 is 1. */
export function versionKey(version: string): string {
  return version
    .trim()
    .toLowerCase()
    .replace(/(?:\.0+)+$/, '');
}

/** An item by its name, as manifests and other items name it: `Firefox`, `Firefox-128.0`, `Firefox--128.0`. */
export function nameAndVersion(text: string): { name: string; version: string | null } {
  for (const between of ['--', '-']) {
    const at = text.lastIndexOf(between);
    const version = at < 1 ? '' : text.slice(at + between.length);
    if (/^\d/.test(version)) return { name: text.slice(0, at), version };
  }
  return { name: text, version: null };
}
