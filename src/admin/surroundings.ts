import type { NamesKnown } from '../catalog/attributes.ts';
import type { Edition } from '../catalog/types.ts';
import { namesKnown } from './attributes.ts';
import type { AdminSession } from './session.ts';

/** What a new edition has to go with: the editions and the names there are, looked up once for as many as come. */
export class Surroundings {
  readonly known: NamesKnown;
  readonly #all: Edition[] = [];
  readonly #newest = new Map<string, Edition>();
  readonly #named = new Map<string, Edition[]>();

  constructor(all: readonly Edition[], known: NamesKnown) {
    this.known = known;
    for (const edition of all) this.take(edition);
  }

  static async of(session: AdminSession): Promise<Surroundings> {
    return new Surroundings(await session.depot.editionsWithDerivedStatus(), await namesKnown(session));
  }

  /** In the order of their ids. */
  get all(): readonly Edition[] {
    return this.#all;
  }

  newestOf(basename: string): Edition | null {
    return this.#newest.get(basename) ?? null;
  }

  /** Those that may have one of these names already. */
  sharing(edition: string, packageName: string, filename: string): Edition[] {
    const keys = keysOf({ edition, packageName, file: { name: filename } });
    return [...new Set(keys.flatMap((key) => this.#named.get(key) ?? []))];
  }

  /** One that was added meanwhile. */
  take(edition: Edition): void {
    this.#all.push(edition);
    this.#newest.set(edition.basename, edition);
    for (const key of keysOf(edition)) this.#named.set(key, [...(this.#named.get(key) ?? []), edition]);
  }
}

function keysOf({
  edition,
  packageName,
  file,
}: Pick<Edition, 'edition' | 'packageName'> & { file: { name: string } }): string[] {
  return [`edition ${edition.toLowerCase()}`, `name ${packageName}`, `file ${file.name}`];
}
