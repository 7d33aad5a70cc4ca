import type { FileHandle } from 'node:fs/promises';
import { checksumsOf } from './bom/compare.ts';
import { bomOf } from './bom/of-component.ts';
import type { OpenComponent } from './content.ts';
import { placeOf } from './names.ts';
import { componentsNamed, type OpenPackage, type ReadOptions, withPackage } from './package.ts';
import type { FileEntry } from './payload/entries.ts';
import { walkPayload } from './payload/walk.ts';
import type { Component } from './pkginfo.ts';

/** An entry of a payload, with its component. */
export interface ListedEntry extends FileEntry {
  /** Identifier. */
  component: string;
  /** Where it goes: install location and path joined, starting with `/`. */
  absolute: string;
}

/** Which part of a package is meant. */
export interface PartOptions {
  /** Identifier or folder of one component; without it all that are installed by default. */
  component?: string;
  /** The scripts archive instead of the payload. */
  part?: 'payload' | 'scripts';
}

export interface Listing {
  entries: ListedEntry[];
  warnings: string[];
}

/**
 * Every entry of the payloads (or scripts archives), in their order, checked as for an extraction; checksums come from
 * the bill of materials. What has no payload gives no entry. Throws FlatpkgError, or the signal's reason.
 */
export async function listFiles(file: string | FileHandle, options: PartOptions & ReadOptions = {}): Promise<Listing> {
  return withPackage(file, options, async (pkg) => {
    const listed: ListedEntry[] = [];
    for (const component of componentsNamed(pkg, options.component)) {
      for (const entry of await entriesOf(pkg, component, options)) listed.push(entry);
    }
    return { entries: listed, warnings: pkg.warnings.list() };
  });
}

/** One path of a bill of materials, with the place it goes to. */
export interface BomPlace {
  /** Where it goes: install location and path joined, starting with `/`. */
  absolute: string;
  type: 'file' | 'dir' | 'symlink';
  /** Permission bits. */
  mode: number;
  /** Bytes modulo 2^32. */
  size: number;
  target: string | null;
}

/**
 * What the bills of materials of all components that are installed by default list, the payloads unread: quick, also for
 * payloads only a Mac can decode, and no better than the bills are. Throws FlatpkgError, or the signal's reason.
 */
export async function listBoms(file: string | FileHandle, options: ReadOptions = {}): Promise<BomPlace[]> {
  return withPackage(file, options, async (pkg) => {
    const places: BomPlace[] = [];
    for (const component of componentsNamed(pkg, undefined)) {
      for (const { path, type, mode, size, target, complete } of (await bomOf(pkg, component)) ?? []) {
        if (path === '.' || type === 'device' || !complete) continue;
        const absolute = placeOf(component.info.installLocation, path);
        places.push({ absolute, type, mode: mode & 0o7777, size, target });
      }
    }
    return places;
  });
}

async function entriesOf(
  pkg: OpenPackage,
  component: OpenComponent,
  { part = 'payload', signal }: PartOptions & ReadOptions,
): Promise<ListedEntry[]> {
  const member = component[part];
  if (member === null) return [];
  const sums = checksumsOf((part === 'payload' ? await bomOf(pkg, component) : null) ?? []);
  const location = locationOf(component.info, part);
  const options = { budget: pkg.budget, location, warnings: pkg.warnings, signal };
  const entries = await walkPayload(pkg.archive, member, {}, options);
  for (const entry of entries) if (entry.type === 'file') entry.cksum = sums.get(entry.path) ?? null;
  return entries.map((entry) => listedEntry(entry, component.info, part));
}

/** Where a part goes; scripts have no place in a target, and start at `/`. */
export function locationOf({ installLocation }: Component, part: 'payload' | 'scripts'): string {
  return part === 'payload' ? installLocation : '/';
}

/** An entry with the place it goes to. */
export function listedEntry(entry: FileEntry, component: Component, part: 'payload' | 'scripts'): ListedEntry {
  return { ...entry, component: component.identifier, absolute: placeOf(locationOf(component, part), entry.path) };
}
