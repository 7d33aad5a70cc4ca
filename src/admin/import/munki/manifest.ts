import type { PlainPlist } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { type Dictionary, dictionary, textsIn } from './item.ts';

/** Lists of a manifest that d3 has a counterpart for, or not. */
const LISTS = [
  'managed_installs',
  'managed_uninstalls',
  'managed_updates',
  'optional_installs',
  'featured_items',
  'default_installs',
] as const;
type ManifestList = (typeof LISTS)[number];

/** What a manifest says, or a condition in it. */
export interface ManifestPart {
  lists: Record<ManifestList, string[]>;
  included: string[];
  conditions: { condition: string; part: ManifestPart }[];
}

export interface Manifest extends ManifestPart {
  /** As Macs ask for it: its path below `manifests`. */
  name: string;
  /** The file, below the repository. */
  from: string;
  catalogs: string[];
}

const MAX_DEPTH = 20;

/** @throws D3Error verificationFailed (33) naming it and what is not as it should be */
export function readManifest(plist: PlainPlist, name: string, from: string): Manifest {
  const said = dictionary(plist);
  if (said === null) throw wrong(from, 'it is no dictionary');
  return { name, from, catalogs: texts(said, 'catalogs', from), ...readPart(said, from, 0) };
}

function readPart(said: Dictionary, from: string, depth: number): ManifestPart {
  if (depth > MAX_DEPTH) throw wrong(from, `its conditions are nested deeper than ${MAX_DEPTH}`);
  const conditional = said['conditional_items'] ?? [];
  if (!Array.isArray(conditional)) throw wrong(from, 'its conditional_items are no list');
  return {
    lists: Object.fromEntries(LISTS.map((key) => [key, texts(said, key, from)])) as ManifestPart['lists'],
    included: texts(said, 'included_manifests', from),
    conditions: conditional.map((value) => {
      const part = dictionary(value);
      const condition = part?.['condition'];
      if (part === null || typeof condition !== 'string')
        throw wrong(from, 'one of its conditional_items has no condition');
      return { condition: condition.trim(), part: readPart(part, from, depth + 1) };
    }),
  };
}

function texts(said: Dictionary, key: string, from: string): string[] {
  const value = said[key];
  const found = value === undefined ? [] : textsIn(value);
  if (found === null) throw wrong(from, `its ${key} is no list of texts`);
  return found.filter((text) => text !== '');
}

function wrong(from: string, why: string): D3Error {
  return new D3Error('MUNKI_MANIFEST', 'verificationFailed', `The manifest cannot be used: ${why}.`, {
    target: from,
    actions: ['mend it in the repository, and import again'],
  });
}
