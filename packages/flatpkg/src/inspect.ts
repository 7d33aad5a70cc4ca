import type { FileHandle } from 'node:fs/promises';
import type { ChecksumStyle } from './checksum.ts';
import type { Member } from './container.ts';
import type { Distribution } from './distribution.ts';
import { type OpenPackage, type ReadOptions, withPackage } from './package.ts';
import type { Component } from './pkginfo.ts';
import { type RestartAction, strongest } from './restart.ts';
import type { Signature } from './signature.ts';
import { newest } from './versions.ts';

/** What a package is, without its payload having been read: one shape whatever the format. */
export interface PackageSummary {
  /** `bundle` for a folder of the old kind, zipped. */
  format: 'flat' | 'bundle';
  kind: 'component' | 'product';
  /** Of the product as written, null when it has none. */
  title: string | null;
  /** Of the product, else of the only component; null when several components have no common version. */
  version: string | null;
  /** Bytes of the package file. */
  size: number;
  /** Null for a bundle. */
  tocChecksum: ChecksumStyle | null;
  /** What installing it demands at the end: the most that a component which is installed by default asks for. */
  restart: RestartAction;
  /** The newest macOS version that something in it asks for; `distribution.systems` has the ranges. */
  minimumSystemVersion: string | null;
  /** Processor types, null when it does not say. */
  architectures: string[] | null;
  /** Bundle ids of applications that must not be running. */
  mustClose: string[];
  /** Identifiers under which Apple's installer keeps receipts; a component without a payload leaves none. */
  receipts: string[];
  /** For display only: as declared by the components installed by default, null when one does not say. */
  installKBytes: number | null;
  components: Component[];
  distribution: Distribution | null;
  /** Null for an unsigned package. */
  signature: Signature | null;
  members: Member[];
  warnings: string[];
}

/**
 * Verifies the table of contents and reads the small members. Texts come as they are in the package: escape control
 * characters before showing them (`printable`). Throws FlatpkgError.
 */
export async function inspect(file: string | FileHandle, options: ReadOptions = {}): Promise<PackageSummary> {
  return withPackage(file, options, async (pkg) => summaryOf(pkg));
}

/** What an open package says of itself, with the warnings so far. */
export function summaryOf({ archive, distribution, ...pkg }: OpenPackage): PackageSummary {
  const components = pkg.components.map(({ info }) => info);
  const installed = components.filter(({ selected }) => selected);
  const minimums = [
    ...components.map(({ minimumSystemVersion }) => minimumSystemVersion),
    ...(distribution?.systems ?? []).map(({ min }) => min),
  ];
  return {
    format: pkg.format,
    kind: pkg.kind,
    title: distribution?.title ?? null,
    version: distribution?.productVersion ?? onlyVersion(components),
    size: archive.size,
    tocChecksum: pkg.tocChecksum,
    restart: installed.map(({ restart }) => restart).reduce(strongest, 'none'),
    minimumSystemVersion: newest(minimums),
    architectures: distribution?.architectures ?? null,
    mustClose: [...new Set(installed.flatMap(({ mustClose }) => mustClose))],
    receipts: [...new Set(installed.flatMap(({ hasPayload, identifier }) => (hasPayload ? [identifier] : [])))],
    installKBytes: totalOf(installed),
    components,
    distribution,
    signature: pkg.signature,
    members: archive.members.map(({ path, type, size, stored }) => ({ path, type, size, stored })),
    warnings: pkg.warnings.list(),
  };
}

function onlyVersion(components: readonly Component[]): string | null {
  const versions = new Set(components.map(({ version }) => version));
  return versions.size === 1 ? ([...versions][0] ?? null) : null;
}

function totalOf(components: readonly Component[]): number | null {
  let total = 0;
  for (const { installKBytes, hasPayload } of components) {
    if (installKBytes === null && hasPayload) return null;
    total += installKBytes ?? 0;
  }
  return total;
}
