import { createHash } from 'node:crypto';
import { readAttributes, SCRIPT_SLOTS } from '../../catalog/attributes.ts';
import { nameKey } from '../../catalog/names.ts';
import type { Edition, EditionAttributes } from '../../catalog/types.ts';
import type { Surroundings } from '../surroundings.ts';
import { compareVersions, versionKey } from './munki/versions.ts';
import type { Proposal } from './types.ts';

/** How what is to be imported stands to what a depot has. */
export type Standing =
  | { kind: 'new' }
  | { kind: 'there'; edition: Edition; differs: string[] }
  | { kind: 'older'; than: Edition };

/** The depot's editions as imports look for them. */
export class Editions {
  readonly #byVersion = new Map<string, Edition>();
  readonly #highest = new Map<string, Edition>();
  readonly #families = new Map<string, Edition[]>();

  constructor(all: readonly Edition[]) {
    for (const edition of all) {
      const basename = nameKey(edition.basename);
      this.#families.set(basename, [...(this.#families.get(basename) ?? []), edition]);
      const key = versionOf(edition);
      if ((this.#byVersion.get(key)?.revision ?? 0) < edition.revision) this.#byVersion.set(key, edition);
      const highest = this.#highest.get(basename);
      if (highest === undefined || compareVersions(edition.version, highest.version) > 0)
        this.#highest.set(basename, edition);
    }
  }

  family(basename: string): readonly Edition[] {
    return this.#families.get(nameKey(basename)) ?? [];
  }

  /** @param size bytes of the file it would have, where its hash is not known; null: it has none */
  standing(proposal: Proposal, size: number | null, { known }: Pick<Surroundings, 'known'>): Standing {
    const there = this.#byVersion.get(versionOf(proposal));
    if (there !== undefined)
      return { kind: 'there', edition: there, differs: differences(proposal, there, size, known) };
    const highest = this.#highest.get(nameKey(proposal.basename));
    if (highest !== undefined && compareVersions(proposal.version, highest.version) < 0)
      return { kind: 'older', than: highest };
    return { kind: 'new' };
  }
}

function versionOf({ basename, version }: Pick<Edition, 'basename' | 'version'>): string {
  return `${nameKey(basename)} ${versionKey(version)}`;
}

/** In which attributes an edition is not what the repository says. */
function differences(
  { typed, scripts, source }: Proposal,
  edition: Edition,
  size: number | null,
  known: Surroundings['known'],
): string[] {
  const { read } = readAttributes(typed, known);
  const differs: string[] = [];
  for (const [key, wanted] of Object.entries(read.attributes) as [keyof EditionAttributes, unknown][])
    if (JSON.stringify(sorted(wanted)) !== JSON.stringify(sorted(edition[key]))) differs.push(key);
  for (const slot of SCRIPT_SLOTS) {
    const text = scripts[slot];
    const sha256 = text === undefined ? null : createHash('sha256').update(text).digest('hex');
    if (sha256 !== (edition[slot]?.sha256 ?? null)) differs.push(slot);
  }
  if (source.kind === 'file') {
    const other =
      source.sha256 === null ? size !== null && size !== edition.file.size : source.sha256 !== edition.file.sha256;
    if (other) differs.push('file');
  }
  return differs;
}

/** Lists are the same in any order. */
function sorted(value: unknown): unknown {
  return Array.isArray(value) ? value.toSorted() : value;
}
