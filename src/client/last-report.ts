import { D3Error } from '@d3/sdk';
import type { Report, TrustedCatalog } from '../depot/contract.ts';
import { gatherMachineFacts } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { makeReport } from './report.ts';
import { StateReader } from './state/state.ts';

/**
 * The report of the newest run on this machine, for an inventory that carries it to the depot: one that waits to be sent, else
 * made again of what is on record.
 * @param version of d3
 * @throws D3Error notFound (34) before the first run
 */
export async function lastReport(
  paths: MachinePaths,
  kept: () => Promise<TrustedCatalog | null>,
  version: string,
): Promise<Report> {
  const state = StateReader.open(paths);
  try {
    const waiting = state.outbox().at(-1)?.report;
    const last = state.runs()[0];
    if (waiting !== undefined && (last === undefined || waiting.at >= last.finishedAt)) return waiting;
    if (last === undefined || state.computerId() === null) {
      throw new D3Error('NO_REPORT', 'notFound', 'Nothing was run here yet that could be told of.', {
        target: paths.root,
        actions: ['run d3 sync'],
      });
    }
    const { id: run, finishedAt: at, command, exit, outcomes } = last;
    const host = await gatherMachineFacts(paths.root, paths.facts);
    const catalogExpires = (await kept())?.expires ?? null;
    return makeReport({ run, at, command, exit, host, outcomes, failure: null, version, catalogExpires, state });
  } finally {
    state.close();
  }
}
