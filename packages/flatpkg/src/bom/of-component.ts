import type { OpenComponent } from '../content.ts';
import { printable } from '../errors.ts';
import type { OpenPackage } from '../package.ts';
import type { FileEntry } from '../payload/entries.ts';
import { compareWithBom } from './compare.ts';
import { type BomEntry, readBom } from './read.ts';

/** The bill of materials of a component, null when it has none. Throws FlatpkgError. */
export async function bomOf({ archive, budget }: OpenPackage, { bom }: OpenComponent): Promise<BomEntry[] | null> {
  if (bom === null) return null;
  // All of them together, and before it is read: components may share one.
  budget.boms.addBytes(bom.size, bom.path);
  return readBom(await archive.read(bom, budget.limits.bomBytes), bom.path, budget.boms);
}

/** Compares what a payload held with the bill of materials of its component: differences are warnings. */
export async function compareBom(
  pkg: OpenPackage,
  component: OpenComponent,
  entries: readonly FileEntry[],
): Promise<void> {
  const bom = await bomOf(pkg, component);
  if (bom !== null) compareWithBom(entries, bom, pkg.warnings);
  else {
    const payload = printable(component.payload?.path ?? 'Payload');
    pkg.warnings.add('bill of materials', `${payload}: there is no bill of materials to compare it with`);
  }
}
