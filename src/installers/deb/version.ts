/** Debian's versions, by the rules of deb-version(7). Pure. */

const VERSION = /^(?:(\d+):)?([0-9A-Za-z.+~:-]*?)(?:-([0-9A-Za-z.+~]+))?$/;

/** @returns whether dpkg takes it for a version */
export function isVersion(text: string): boolean {
  const match = VERSION.exec(text);
  if (match === null || text.length > 256 || text.endsWith('-')) return false;
  const [, epoch = '0', upstream = ''] = match;
  return Number(epoch) <= 2_147_483_647 && /^\d/.test(upstream);
}

/** @returns below 0 when `a` is older, 0 when they are the same version, above 0 when it is newer */
export function compareVersions(a: string, b: string): number {
  const [epochA, upstreamA, revisionA] = parts(a);
  const [epochB, upstreamB, revisionB] = parts(b);
  return epochA - epochB || compareText(upstreamA, upstreamB) || compareText(revisionA, revisionB);
}

/** The epoch ends at the first colon, the revision begins after the last hyphen. */
function parts(version: string): [epoch: number, upstream: string, revision: string] {
  const colon = version.indexOf(':');
  const rest = version.slice(colon + 1);
  const hyphen = rest.lastIndexOf('-');
  const epoch = colon < 0 ? 0 : Number(version.slice(0, colon));
  return hyphen < 0 ? [epoch, rest, ''] : [epoch, rest.slice(0, hyphen), rest.slice(hyphen + 1)];
}

/** Letters and digits by turns: what is no digit by its own order, digits by their number. */
function compareText(a: string, b: string): number {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
      const difference = order(a[i]) - order(b[j]);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const [digitsA, digitsB] = [digitsAt(a, i), digitsAt(b, j)];
    const [bare, other] = [digitsA.replace(/^0+/, ''), digitsB.replace(/^0+/, '')];
    if (bare.length !== other.length) return bare.length - other.length;
    if (bare !== other) return bare < other ? -1 : 1;
    i += digitsA.length;
    j += digitsB.length;
  }
  return 0;
}

function digitsAt(text: string, at: number): string {
  return /^\d*/.exec(text.slice(at))?.[0] ?? '';
}

/** `~` before the end, the end and digits before letters, letters before everything else. */
function order(character: string | undefined): number {
  if (character === undefined || isDigit(character)) return 0;
  if (character === '~') return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}
