import { type AdminPort, D3Error, D3Errors, type DepotDocument, type DepotEdition, type Json } from '@d3/sdk';
import { ownedIn } from '../mirror/fields.ts';
import { fileSeen } from '../mirror/links.ts';
import { fromJamf } from '../mirror/systems.ts';
import type { Files } from './fetch.ts';
import { lookInside } from './inside.ts';
import { editionOf, type JamfPackage, knownOf, type Site } from './records.ts';

/** A package somebody said yes to, and what it is to be. */
export interface Wanted {
  jamf: JamfPackage;
  /** As people see it; no two editions have the same. */
  packageName: string;
  basename: string;
  version: string;
  /** Null: the next that is free. */
  revision: number | null;
  /** Null: none. */
  category: string | null;
}

/** What became of a package; a type, so that it is JSON. */
export type Fate = {
  jamf: string;
  fileName: string;
  packageName: string;
  /** `linked`: an edition had its file already. `there`: it was taken in before. */
  fate: 'imported' | 'linked' | 'there' | 'would be imported' | 'failed' | 'not tried';
  /** As d3 calls it; null when it failed before that. */
  edition: string | null;
  warnings: string[];
};

/** What a link keeps of an import that is under way, so that whoever sees the edition first knows whose it is. */
type Under = { basename: string; sha256: string };

/**
 * Takes a package in, so that a cut anywhere leaves it out or in: first the link says what is on its way, then the edition is added,
 * then the link names it. Whoever comes after a cut finds one of these.
 */
export async function takeIn(wanted: Wanted, site: Site, files: Files, admin: AdminPort): Promise<Fate> {
  const { jamf } = wanted;
  const file = await files.fetch(jamf);
  const warnings = [...file.warnings, ...(await strangers(wanted, file.path, site)), ...unsaid(jamf)];
  await claim(jamf, { basename: wanted.basename, sha256: file.sha256 }, admin);
  await ensureCategory(wanted.category, admin);
  const added = await inNames(file.path, jamf.fileName, async () => {
    try {
      return await admin.add({ basename: wanted.basename, typed: typedOf(wanted), source: file.path });
    } catch (error) {
      if (error instanceof D3Error || error instanceof D3Errors) await unclaim(jamf, admin);
      throw error;
    }
  });
  await linkTo(jamf, added.edition, admin);
  await files.drop(jamf);
  return {
    ...told(jamf),
    fate: 'imported',
    edition: added.edition.edition,
    warnings: [...warnings, ...added.warnings],
  };
}

/** The edition that has a package's very file without being linked to it: after a cut, or where somebody added it. */
export function adoptable(jamf: JamfPackage, site: Site): DepotEdition | null {
  if (editionOf(site, jamf.id) !== null) return null;
  const under = underWay(site.links.get(jamf.id));
  const edition = site.editions.find(
    ({ file }) =>
      file.name === jamf.fileName && (file.sha256 === under?.sha256 || file.sha256 === jamf.sha256?.toLowerCase()),
  );
  const taken = edition !== undefined && [...site.links.values()].some(({ body }) => body['target'] === edition.id);
  return edition === undefined || taken ? null : edition;
}

/** Links a package to the edition that has its very file, if there is one. */
export async function adopt(jamf: JamfPackage, site: Site, admin: AdminPort): Promise<DepotEdition | null> {
  const edition = adoptable(jamf, site);
  if (edition !== null) await linkTo(jamf, edition, admin);
  return edition;
}

/** What of a link says that an import is under way; null when it says nothing of that. */
function underWay(link: DepotDocument | undefined): Under | null {
  const said = (link?.body['seen'] as { import?: Under } | undefined)?.import;
  return link?.body['target'] === null && said !== undefined ? said : null;
}

async function claim(jamf: JamfPackage, under: Under, admin: AdminPort): Promise<void> {
  await writeLink(jamf, null, { import: under, ...fileSeen(jamf, under.sha256) }, admin);
}

/** What was refused is not on its way any more. */
async function unclaim({ id }: JamfPackage, admin: AdminPort): Promise<void> {
  const links = admin.documents('jamf-link');
  const link = await links.byName(`package-${id}`);
  if (link !== null && underWay(link) !== null) await links.remove(link.id, link.generation);
}

async function linkTo(jamf: JamfPackage, edition: DepotEdition, admin: AdminPort): Promise<void> {
  await writeLink(jamf, edition.id, { pushed: ownedIn(jamf), ...fileSeen(jamf, edition.file.sha256) }, admin);
}

/** Somebody else may write the same link meanwhile: then it is looked at again. */
async function writeLink(
  { id, packageName }: JamfPackage,
  target: number | null,
  seen: Readonly<Record<string, Json>>,
  admin: AdminPort,
): Promise<void> {
  const links = admin.documents('jamf-link');
  const name = `package-${id}`;
  const body = { schema: 'd3/jamf-link@1', what: 'package', jamf: id, target, name: packageName, seen };
  for (let again = 0; ; again += 1) {
    try {
      const there = await links.byName(name);
      if (there === null) await links.create(name, body);
      else if (there.body['target'] !== target || JSON.stringify(there.body['seen']) !== JSON.stringify(seen)) {
        // Who linked it to this very edition has noted what is to be noted.
        if (target !== null && there.body['target'] === target) return;
        await links.update(there.id, there.generation, { body });
      }
      return;
    } catch (error) {
      const faster = error instanceof D3Error && /^DOCUMENT_(?:CONFLICT|EXISTS)$/.test(error.code);
      if (!faster || again === 3) throw error;
    }
  }
}

/** Editions name their category in words; one that nobody made is made. */
async function ensureCategory(category: string | null, admin: AdminPort): Promise<void> {
  if (category === null) return;
  const categories = admin.documents('category');
  if ((await categories.byName(category)) !== null) return;
  try {
    await categories.create(category, { schema: 'd3/category@1', description: '' });
  } catch (error) {
    if (!(error instanceof D3Error && error.code === 'DOCUMENT_EXISTS')) throw error;
  }
}

/** What Jamf knows of a package, as it would be typed to `d3admin add`. */
export function typedOf({ jamf, packageName, version, revision, category }: Wanted): Record<string, string> {
  const { limits } = fromJamf(jamf.osRequirements ?? '');
  // The ancestor wrote its line ends so, as Jamf's own window did.
  const notes = (jamf.notes ?? '').replaceAll(/\r\n?/g, '\n');
  return {
    version,
    ...(revision === null ? {} : { revision: String(revision) }),
    ...(packageName.trim() === '' ? {} : { packageName }),
    filename: jamf.fileName,
    // Nothing noted is nothing known: what the edition before has stays.
    ...(notes === '' ? {} : { description: notes }),
    category: category ?? 'none',
    oses: limits.length === 0 ? 'none' : limits.join(','),
    reboot: jamf.rebootRequired === true ? 'y' : 'n',
  };
}

/** What of Jamf's list of systems got lost on the way. */
export function unsaid({ osRequirements }: JamfPackage): string[] {
  const { unknown } = fromJamf(osRequirements ?? '');
  return unknown.length === 0 ? [] : [`no OS limit of d3's says "${unknown.join(', ')}"`];
}

/** Whose Apple packages its file has, if they are somebody else's. */
async function strangers({ basename }: Wanted, file: string, site: Site): Promise<string[]> {
  const inside = await lookInside(file);
  const { ofApplePackage } = knownOf(site);
  return (inside?.receipts ?? []).flatMap((id) => {
    const others = [...(ofApplePackage.get(id) ?? [])].filter((one) => one !== basename);
    const own = ofApplePackage.get(id)?.has(basename) ?? false;
    return own || others.length === 0 ? [] : [`its Apple package ${id} is also in ${others.join(' and ')}`];
  });
}

/** The place where a file waited is nobody's concern: what is said of it is said of the file. */
async function inNames<Result>(place: string, fileName: string, work: () => Promise<Result>): Promise<Result> {
  const renamed = (error: D3Error): D3Error => {
    const named = (text: string) => text.replaceAll(place, fileName);
    const { code, exit, target } = error;
    const bundle = code === 'SOURCE_IS_BUNDLE';
    return new D3Error(code, exit, named(error.message), {
      target: target === null ? fileName : named(target),
      actions: bundle
        ? ['make a flat package of it: d3 pkg extract FILE.zip --to DIR, then d3 pkg build DIR, and d3admin add that']
        : error.actions.map(named),
      cause: error,
    });
  };
  try {
    return await work();
  } catch (error) {
    if (error instanceof D3Error) throw renamed(error);
    if (error instanceof D3Errors) throw new D3Errors(error.errors.map(renamed), error.exitCode);
    throw error;
  }
}

export function told({ id, fileName, packageName }: JamfPackage): Pick<Fate, 'jamf' | 'fileName' | 'packageName'> {
  return { jamf: id, fileName, packageName };
}
