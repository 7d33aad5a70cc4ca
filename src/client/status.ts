import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Status } from '../catalog/types.ts';

/**
 * The status that an installed edition has by now; it is never stored.
 * @returns null when the catalog is not at hand; `missing` also when the depot no longer has the edition
 */
export function statusOf({ id }: { id: number }, index: CatalogIndex | null): Status | null {
  return index === null ? null : (index.byId(id)?.status ?? 'missing');
}
