/** Servers of which the paths are known. */
export type Version = '10.50' | '11.7.1' | '11.23.2' | '11.25' | '11.28' | '11.30.1';

const ORDER: readonly Version[] = ['10.50', '11.7.1', '11.23.2', '11.25', '11.28', '11.30.1'];

/** Since when a server has what begins so; the first that fits counts, and what none fits was always there. */
const SINCE: ReadonlyArray<readonly [RegExp, Version]> = [
  [/^\/v1\/oauth\/token$/, '11.23.2'],
  [/^\/v1\/packages(?:\/|$)/, '11.7.1'],
  [/^\/v1\/jcds\//, '11.7.1'],
  [/^\/v1\/cloud-distribution-point(?:\/|$)/, '11.23.2'],
  [/^\/v1\/computer-extension-attributes(?:\/|$)/, '11.23.2'],
  [/^\/v3\/computer-groups\//, '11.28'],
  [/^\/v2\/computer-groups\//, '11.23.2'],
  [/^\/v4\/computers-inventory/, '11.30.1'],
  [/^\/v[23]\/computers-inventory/, '11.23.2'],
];

/** Whether a server of a version has a path. */
export function has(version: Version, asked: string): boolean {
  const since = SINCE.find(([pattern]) => pattern.test(asked))?.[1] ?? '10.50';
  return ORDER.indexOf(version) >= ORDER.indexOf(since);
}
