import { D3Error } from '@d3/sdk';
import { indexCatalog, resolveTarget } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import type { AdminSession } from './session.ts';

/**
 * The edition an admin means: by edition, whole-number id, package or file name; a basename means its live edition.
 * @throws D3Error notFound (34), naming what there is
 */
export async function editionMeant(target: string, { depot }: AdminSession): Promise<Edition> {
  const editions = await depot.editionsWithDerivedStatus();
  const index = indexCatalog({ schema: 'd3/catalog@1', generation: 0, editions, groups: [] });
  const resolved = resolveTarget(index, target);
  if (resolved.kind === 'edition') return resolved.edition;
  if (resolved.kind === 'basename') {
    const live = index.liveOf(target);
    if (live !== undefined) return live;
    const there = index.ofBasename(target).map((edition) => edition.edition);
    throw new D3Error('NO_LIVE_EDITION', 'notFound', `${target} has no live edition.`, {
      target,
      actions: [`name one of its editions: ${there.join(', ')}`],
    });
  }
  if (resolved.kind === 'ambiguous') {
    const names = resolved.editions.map((edition) => edition.edition).join(', ');
    throw new D3Error('AMBIGUOUS', 'notFound', `${target} names several editions: ${names}.`, { target });
  }
  throw new D3Error('EDITION_NOT_FOUND', 'notFound', `Nothing in the depot is called ${target}.`, {
    target,
    actions: ['see what there is: d3admin show'],
  });
}
