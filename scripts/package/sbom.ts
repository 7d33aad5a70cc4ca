import { createHash } from 'node:crypto';
import path from 'node:path';
import type { LockedPackage } from './lockfile.ts';
import { isNode } from './platforms.ts';

/**
 * The bill of materials of one package of d3, in CycloneDX 1.6: every package of npm in it with its licence and its hash, Node
 * itself, and what needs what. The same for the same content.
 * @param app d3 itself, and the names of what it needs
 * @param packages what is in it
 * @param seconds since 1970
 */
export function sbom(
  app: { name: string; version: string; license: string; needs: readonly string[] },
  packages: readonly LockedPackage[],
  seconds: number,
): string {
  const places = new Map(packages.map((locked) => [locked.place, locked]));
  const root = { type: 'application', 'bom-ref': 'd3', ...identity(app), licenses: licensesOf(app.license) };
  const node = packages.find(isNode);
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { timestamp: new Date(seconds * 1000).toISOString(), component: root },
    components: [...packages.map(componentOf), ...(node === undefined ? [] : [runtime(node)])],
    dependencies: [
      { ref: 'd3', dependsOn: found('', app.needs, places) },
      ...packages.map(({ place, needs, name }) => ({
        ref: place,
        dependsOn: [...found(place, needs, places), ...(isNode({ name }) ? [RUNTIME] : [])],
      })),
      ...(node === undefined ? [] : [{ ref: RUNTIME, dependsOn: [] }]),
    ],
  };
  const { bomFormat, specVersion, ...rest } = document;
  return `${JSON.stringify({ bomFormat, specVersion, serialNumber: serialOf(JSON.stringify(document)), ...rest }, null, 1)}\n`;
}

const RUNTIME = 'node';

/** Whoever looks for what is known of Node looks for it under its own name, not under npm's. */
function runtime({ version }: LockedPackage): object {
  return {
    type: 'platform',
    'bom-ref': RUNTIME,
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
  };
}

function componentOf(locked: LockedPackage): object {
  const { place, license, integrity } = locked;
  return {
    type: 'library',
    'bom-ref': place,
    ...identity(locked),
    ...(license === null ? {} : { licenses: licensesOf(license) }),
    ...(integrity === null
      ? {}
      : { hashes: [{ alg: 'SHA-512', content: Buffer.from(integrity.slice(7), 'base64').toString('hex') }] }),
  };
}

function identity({ name, version }: { name: string; version: string }): object {
  const [scope, bare] = name.startsWith('@') ? (name.split('/') as [string, string]) : [null, name];
  const purl = `pkg:npm/${scope === null ? '' : `%40${scope.slice(1)}/`}${bare}@${version}`;
  return { ...(scope === null ? {} : { group: scope }), name: bare, version, purl };
}

function licensesOf(license: string): object[] {
  return [/^[\w.+-]+$/.test(license) ? { license: { id: license } } : { expression: license }];
}

/** What is meant by these names at a place: the nearest of each, as Node looks for it. What is not here is left out. */
function found(place: string, names: readonly string[], places: ReadonlyMap<string, LockedPackage>): string[] {
  return names.flatMap((name) => {
    for (let at = place; ; at = above(at)) {
      const candidate = path.posix.join(at, 'node_modules', name);
      if (places.has(candidate)) return candidate;
      if (at === '') return [];
    }
  });
}

/** `a/node_modules/b` is below `a`, and `node_modules/b` at the top. */
function above(place: string): string {
  const end = place.lastIndexOf('node_modules/');
  return end <= 0 ? '' : place.slice(0, end - 1);
}

/** A UUID that belongs to this content. */
function serialOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16] as string, 16) & 0x3) | 0x8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`;
}
