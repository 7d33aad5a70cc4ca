import { D3Error } from '@d3/sdk';
import type { Files } from './fetch.ts';
import { lookInside } from './inside.ts';
import { type Inside, type Known, type Proposal, propose, type Sure } from './propose.ts';
import { candidatesOf, categoryOf, type JamfPackage, knownOf, type Site } from './records.ts';
import { unsaid } from './take-in.ts';

/** A package and what it is proposed as: a line of a plan. A type, so that it is JSON. */
export type Line = {
  jamf: string;
  fileName: string;
  packageName: string;
  basename: string;
  version: string;
  /** Null while there is no version. */
  revision: number | null;
  category: string | null;
  sure: Sure;
  note: string;
};

export interface Looking {
  files: Files;
  /** Whether files are fetched to be looked into; those of a folder always are. */
  fetches: boolean;
}

/** What each package that d3 does not have might be. */
export async function proposals(site: Site, looking: Looking): Promise<Line[]> {
  const known = knownOf(site);
  const taken = revisionsOf(site);
  const lines: Line[] = [];
  for (const jamf of candidatesOf(site)) {
    lines.push(lineOf(jamf, site, known, await insideOf(jamf, looking), taken));
  }
  return lines;
}

/** One of them. */
export function proposalOf(jamf: JamfPackage, site: Site, seen: Seen): Line {
  return lineOf(jamf, site, knownOf(site), seen, revisionsOf(site));
}

/** What looking into a file came to. */
interface Seen {
  inside: Inside | null;
  /** Whether there is no more to see. */
  looked: boolean;
  /** Why it could not be looked into. */
  trouble: string | null;
}

/** What is wrong with one file keeps nobody from proposing the others. */
const OF_THE_FILE = /^JAMF_FILE_/;

export async function insideOf(jamf: JamfPackage, { files, fetches }: Looking): Promise<Seen> {
  const there = await files.inFolder(jamf);
  if (there === null && !fetches) return { inside: null, looked: false, trouble: null };
  try {
    return { inside: await lookInside(there ?? (await files.fetch(jamf)).path), looked: true, trouble: null };
  } catch (error) {
    if (!(error instanceof D3Error && OF_THE_FILE.test(error.code))) throw error;
    return { inside: null, looked: true, trouble: error.message };
  }
}

function lineOf(jamf: JamfPackage, site: Site, known: Known, seen: Seen, taken: Map<string, number>): Line {
  const { basename, version, revision, sure, why } = propose(jamf, known, seen.inside);
  const { id, fileName, packageName } = jamf;
  const proposed: Proposal['revision'] = version === '' ? null : (revision ?? nextRevision(taken, basename, version));
  const notes = [why, ...(seen.trouble === null ? [] : [seen.trouble]), ...hindrances(jamf, site)];
  const category = categoryOf(site, jamf);
  const doubtful: Sure = notes.length > 1 ? 'guess' : sure;
  return {
    jamf: id,
    fileName,
    packageName,
    basename,
    version,
    revision: proposed,
    category,
    sure: doubtful,
    note: notes.join('; '),
  };
}

/** What somebody has to know before the package is taken in. */
function hindrances(jamf: JamfPackage, { packages }: Site): string[] {
  const twins = packages.filter(({ id, fileName }) => id !== jamf.id && fileName === jamf.fileName);
  return [
    ...(formatProblem(jamf.fileName) === null ? [] : [formatProblem(jamf.fileName) as string]),
    ...(twins.length === 0 ? [] : [`Jamf's package ${twins.map(({ id }) => id).join(' and ')} has the same file`]),
    ...unsaid(jamf),
  ];
}

/** What d3 cannot install, by its name. */
export function formatProblem(fileName: string): string | null {
  if (/\.(?:pkg|dmg|deb)$/i.test(fileName)) return null;
  if (/\.zip$/i.test(fileName)) return 'a zip is no package that machines install';
  return 'it is neither a .pkg nor a .dmg nor a .deb';
}

function revisionsOf({ editions }: Site): Map<string, number> {
  const taken = new Map<string, number>();
  for (const { basename, version, revision } of editions) {
    const key = `${basename} ${version}`.toLowerCase();
    taken.set(key, Math.max(taken.get(key) ?? 0, revision));
  }
  return taken;
}

function nextRevision(taken: Map<string, number>, basename: string, version: string): number {
  const key = `${basename} ${version}`.toLowerCase();
  const next = (taken.get(key) ?? 0) + 1;
  taken.set(key, next);
  return next;
}
