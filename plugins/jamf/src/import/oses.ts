/** Jamf's list of systems as d3's limits, and what of it d3 has no word for. */
export function limitsOf(requirements: string): { limits: string[]; unknown: string[] } {
  const all = requirements
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const isLimit = (one: string) => /^(?:>=\s*)?\d{1,8}(?:\.\d{1,8})*$|^\d{1,8}(?:\.\d{1,8})*\.x$/.test(one);
  return { limits: withoutLadder(all.filter(isLimit)), unknown: all.filter((one) => !isLimit(one)) };
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
