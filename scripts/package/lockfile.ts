import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Platform } from './platforms.ts';

/** A package as package-lock.json has it. */
export interface LockedPackage {
  /** Where it is in an installation: `node_modules/got`, `node_modules/@d3/plugin-jamf/node_modules/got`. */
  place: string;
  name: string;
  version: string;
  /** As npm writes it, `sha512-…`; null for what is of this repository, and for what comes within another package. */
  integrity: string | null;
  /** An SPDX expression; null where it names none. */
  license: string | null;
  /** Its folder in this repository; null for what comes from npm. */
  own: string | null;
  /** Systems, processors and C libraries it is for; empty: all. */
  os: readonly string[];
  cpu: readonly string[];
  libc: readonly string[];
  /** Names of what it needs, wherever that is. */
  needs: readonly string[];
}

interface Locked {
  version?: string;
  resolved?: string;
  name?: string;
  integrity?: string;
  license?: string;
  link?: boolean;
  dev?: boolean;
  os?: string | string[];
  cpu?: string | string[];
  libc?: string | string[];
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** What d3 needs when it runs, on whatever system, ordered by place. @param root of the repository */
export function productionPackages(root: string): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const links = Object.entries(packages).filter(([, { link }]) => link === true);
  const ownPlaces = new Map(links.map(([place, { resolved = '' }]) => [resolved, place]));
  return Object.entries(packages)
    .flatMap(([at, locked]): LockedPackage[] => {
      if (at === '' || locked.dev === true || locked.link === true) return [];
      const own = [...ownPlaces.keys()].find((folder) => at === folder || at.startsWith(`${folder}/`));
      const place = own === undefined ? at : `${ownPlaces.get(own)}${at.slice(own.length)}`;
      return [
        {
          place,
          name: locked.name ?? nameAt(place),
          version: locked.version ?? '',
          integrity: locked.integrity ?? null,
          license: locked.license ?? null,
          own: at === own ? at : null,
          os: list(locked.os),
          cpu: list(locked.cpu),
          libc: list(locked.libc),
          needs: Object.keys({
            ...locked.dependencies,
            ...locked.optionalDependencies,
            ...locked.peerDependencies,
          }).toSorted(),
        },
      ];
    })
    .sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** Whether it is for some systems only. */
export function isNative({ os, cpu }: LockedPackage): boolean {
  return os.length + cpu.length > 0;
}

export function fits({ os, cpu, libc }: LockedPackage, platform: Platform): boolean {
  const allows = (allowed: readonly string[], one: string | null) =>
    allowed.length === 0 || (one !== null && allowed.includes(one));
  return allows(os, platform.os) && allows(cpu, platform.cpu) && allows(libc, platform.libc);
}

function nameAt(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function list(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : [value].flat();
}
