import type { D3Error } from '@d3/sdk';
import { type BuildTools, buildToolsHere } from '../build.ts';
import type { AdminSession } from '../session.ts';
import { type CarriedOut, carryOut, type Fate, type GroupFate } from './carry-out.ts';
import { propose } from './munki/propose.ts';
import { packageFile, readRepository } from './munki/read-repository.ts';
import type { Gap } from './types.ts';

export interface MunkiImport {
  /** Path of the repository. */
  dir: string;
  /** Catalogs whose items are released. */
  released: readonly string[];
  dryRun: boolean;
  /** Nothing is made live. */
  pilotsOnly: boolean;
}

/** What an import came to; a type, so that it is JSON. */
export type MunkiImported = {
  repository: string;
  dryRun: boolean;
  items: Fate[];
  groups: GroupFate[];
  categories: string[];
  /** What has no counterpart in d3, or not all of one. */
  gaps: Gap[];
};

/**
 * Takes a repository of Munki's in. Whatever is wrong with an item is its error; the others go on.
 * @returns what became of everything, and an error for whatever failed
 * @throws D3Error notFound when there is no repository, refused where it is too large
 */
export async function importMunki(
  { dir, released, dryRun, pilotsOnly }: MunkiImport,
  session: AdminSession,
  tools: BuildTools = buildToolsHere(),
): Promise<{ result: MunkiImported; errors: D3Error[]; succeeded: number }> {
  session.report({ type: 'detail', target: dir, text: 'reading' });
  const repository = await readRepository(dir, session.signal);
  const proposed = propose(repository, { released, opensImages: tools.platform === 'darwin' });
  const done: CarriedOut = await carryOut(
    proposed,
    { dryRun, pilotsOnly, tools, fileOf: (source, target) => packageFile(repository.dir, source, target) },
    session,
  );
  const wrong = [
    ...repository.unreadable.map(({ from, error }) => ({ item: from, from, error })),
    ...proposed.problems,
  ];
  const items: Fate[] = [
    ...done.fates,
    ...proposed.leftOut.map((left) => ({ ...NOTHING, ...left, fate: 'left out' as const })),
    ...wrong.map(({ item, from, error }) => ({ ...NOTHING, item, from, why: error.message })),
  ];
  return {
    result: {
      repository: repository.dir,
      dryRun,
      items,
      groups: done.groups,
      categories: done.categories,
      gaps: proposed.gaps,
    },
    errors: [...wrong.map(({ error }) => error), ...done.errors],
    succeeded: items.filter(({ fate }) => fate !== 'failed' && fate !== 'not tried').length,
  };
}

const NOTHING: Omit<Fate, 'item' | 'from'> = {
  fate: 'failed',
  edition: null,
  status: null,
  differs: [],
  why: null,
  warnings: [],
};
