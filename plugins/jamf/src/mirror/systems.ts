/**
 * Systems a package is for: d3 says `>=14.2`, Jamf Pro has a list that names each. What is written here ends somewhere; what is
 * read back into `>=` does not.
 */

/** The last of each kind that a list names. */
const LAST_PATCH = 20;
const LAST_MINOR = { ten: 16, later: 12 };
/** Apple went from 15 to 26. */
const BEFORE_GAP = 15;
const AFTER_GAP = 26;
const LAST_MAJOR = 40;

const AT_LEAST = /^>=\s*(\d{1,8}(?:\.\d{1,8})*)$/;
const LITERAL = /^\d{1,8}(?:\.\d{1,8})*(?:\.x)?$/;

/** Jamf's list, and which of the limits it cannot say. */
export function toJamf(limits: readonly string[]): { list: string; unsaid: string[] } {
  const said: string[] = [];
  const unsaid: string[] = [];
  for (const limit of limits) {
    // A name of its own before a number is another system's, but for this one.
    const plain = limit.trim().replace(/^macos\s*/i, '');
    const from = AT_LEAST.exec(plain)?.[1];
    if (from !== undefined && from.split('.').length <= 3) said.push(...from3(from));
    else if (LITERAL.test(plain)) said.push(/^\d+$/.test(plain) ? `${plain}.x` : plain);
    else unsaid.push(limit);
  }
  // What an open beginning covers stays in its row, so that it can be read back.
  return { list: [...new Set(said.toReversed())].toReversed().join(', '), unsaid };
}

/** d3's limits, and what of the list d3 has no word for. */
export function fromJamf(list: string): { limits: string[]; unknown: string[] } {
  const named = [...new Set(list.split(',').map((one) => one.trim()))].filter((one) => one !== '');
  const all = withoutLadder(named);
  const limits: string[] = [];
  const unknown: string[] = [];
  for (let at = 0; at < all.length; at += 1) {
    const one = all[at] as string;
    const from = beginning(all.slice(at));
    if (from !== null) {
      limits.push(`>=${from}`);
      break;
    }
    if (LITERAL.test(one) || AT_LEAST.test(one)) limits.push(one);
    else unknown.push(one);
  }
  return { limits, unknown };
}

/**
 * The ancestor wrote `>=10.9.5` as every system it could think of: 10.9.5, 10.9.6 and so on, then 10.10.x up to 10.19.x. There never
 * was a 10.17, so that a list which goes on to it says nothing else.
 */
function withoutLadder(limits: readonly string[]): string[] {
  let at = limits.lastIndexOf('10.19.x');
  if (at === -1) return [...limits];
  const after = limits.slice(at + 1);
  let minor = 19;
  while (at > 0 && limits[at - 1] === `10.${minor - 1}.x`) {
    at -= 1;
    minor -= 1;
  }
  if (minor > 16) return [...limits];
  let from = `10.${minor}`;
  const patches = new RegExp(String.raw`^10\.${minor - 1}\.(\d+)$`);
  for (let next = Number.NaN; at > 0; at -= 1) {
    const patch = Number(patches.exec(limits[at - 1] as string)?.[1] ?? Number.NaN);
    if (Number.isNaN(patch) || (!Number.isNaN(next) && patch !== next)) break;
    from = `10.${minor - 1}.${patch}`;
    next = patch - 1;
  }
  return [...limits.slice(0, at), `>=${from}`, ...after];
}

/** Where a list begins that goes on to the end of all there is; null when it does not. */
function beginning(list: readonly string[]): string | null {
  const [first = ''] = list;
  const from = first.replace(/\.x$/, '');
  // Few names may be just these few.
  if (!LITERAL.test(first) || list.length < 3) return null;
  if (list.join() === from3(from).join()) return from;
  // Somebody's list may end sooner: at a major one, of which it names the last two at least.
  const whole = from3(from);
  const isBeginning = list.every((one, index) => one === whole[index]);
  const next = whole[list.length];
  const isMajor = (one: string | undefined) => one !== undefined && /^\d+\.x$/.test(one);
  return isBeginning && isMajor(list.at(-1)) && isMajor(list.at(-2)) && isMajor(next) ? from : null;
}

/** Every name from a version of one to three parts on. */
function from3(from: string): string[] {
  const [major = 0, minor, patch] = from.split('.').map(Number);
  const found: string[] = [];
  if (patch !== undefined && patch > 0) {
    for (let one = patch; one <= Math.max(LAST_PATCH, patch); one += 1) found.push(`${major}.${minor}.${one}`);
    found.push(...minors(major, (minor as number) + 1));
  } else if (minor !== undefined && (minor > 0 || major === 10)) found.push(...minors(major, minor));
  else if (major === 10) found.push(...minors(10, 0));
  else found.push(`${major}.x`);
  return [...found, ...majors(major + 1)];
}

function minors(major: number, from: number): string[] {
  const last = Math.max(major === 10 ? LAST_MINOR.ten : LAST_MINOR.later, from);
  return Array.from({ length: last - from + 1 }, (_, index) => `${major}.${from + index}.x`);
}

function majors(from: number): string[] {
  const found: string[] = [];
  for (let one = Math.max(from, 11); one <= LAST_MAJOR; one += 1)
    if (one <= BEFORE_GAP || one >= AFTER_GAP) found.push(`${one}.x`);
  return found;
}
