import { D3Error } from '@d3/sdk';
import { noDepot } from '../client/no-depot.ts';
import type { DepotClient, TrustedCatalog } from '../depot/contract.ts';

/**
 * The newest catalog for looking at: fresh if the depot can be asked, else the last good one, with a warning.
 * @param options `keep`: whether news are kept on the machine; true unless said
 * @throws D3Error what the depot said, when there is no last good one either
 */
export async function catalogToShow(
  depot: DepotClient,
  warnings: string[],
  options: { keep: boolean } = { keep: true },
): Promise<TrustedCatalog> {
  try {
    const trusted = await depot.refresh(options);
    warnings.push(...trusted.warnings);
    return trusted;
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    const kept = await depot.kept({ expired: true });
    if (kept === null) throw error;
    warnings.push(`${error.message} This is what the depot said last.`);
    return kept;
  }
}

/** As {@link catalogToShow}, for commands that can do without: null when there is neither depot nor last good catalog. */
export async function catalogIfAny(depot: DepotClient | null, warnings: string[]): Promise<TrustedCatalog | null> {
  if (depot === null) return null;
  return catalogToShow(depot, warnings).catch((error: unknown) => {
    if (!(error instanceof D3Error)) throw error;
    warnings.push(error.message);
    return null;
  });
}

/** As {@link catalogToShow} for a plan that is only shown: nothing is kept, and without a catalog it says why there is none. */
export async function catalogForPlanning(
  depot: DepotClient | null,
  warnings: string[],
): Promise<{ trusted: TrustedCatalog | null; problem: D3Error | null }> {
  try {
    if (depot === null) throw noDepot();
    return { trusted: await catalogToShow(depot, warnings, { keep: false }), problem: null };
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    return { trusted: null, problem: error };
  }
}
