import { D3Error } from '@d3/sdk';
import { type CatalogIndex, indexCatalog } from '../catalog/resolve.ts';
import type { TrustedCatalog } from '../depot/contract.ts';
import { basenameMeant, type Explanation, explain, knownBasenames } from '../planner/explain.ts';
import type { Facts, Plan, Request } from '../planner/types.ts';
import type { Outcome } from './outcome.ts';
import { planAgain } from './planning.ts';
import { planOnly } from './rehearsal.ts';
import type { Machine, RunOptions } from './run.ts';
import type { RunRecord, StateReader } from './state/state.ts';
import { nowOf, openActions } from './under-way.ts';

/** How a verdict that is explained came about. */
type How =
  /** Planned from what is so now. */
  | 'now'
  /** Nothing is planned: what the depot wants is not known here. */
  | 'unknown'
  /** Planned again from a run's facts and its catalog. */
  | 'replayed'
  /** Read from the run's record: its catalog is no longer kept. */
  | 'stored';

/** The run that is explained. */
interface ExplainedRun {
  id: string;
  command: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  exit: number;
}

/** One basename explained, with what came of it in the run that is explained, else in the last one it was part of. */
export type Explained = Explanation & { outcomes: Outcome[]; outcomesOf: ExplainedRun | null };

export interface Explainer {
  how: How;
  run: ExplainedRun | null;
  machine: string;
  warnings: string[];
  /** @param name a basename, edition or id @throws D3Error notFound (34) with what there is */
  about(name: string): Explained;
}

/**
 * Explains what a sync now would do. Nothing is locked and nothing written.
 * @param trusted the catalog at hand; null when there is none
 */
export async function explainNow(
  machine: Machine,
  state: StateReader,
  trusted: TrustedCatalog | null,
  options: Pick<RunOptions, 'signal' | 'report'>,
): Promise<Explainer> {
  const request: Request = { kind: 'sync', force: false, puppies: false };
  const { facts, plan } = await planOnly(request, { machine, run: '', state, trusted, ...options });
  const index = trusted === null ? null : indexCatalog(trusted.catalog);
  const shown = index === null ? { ...plan, decisions: [] } : plan;
  const about = explaining(request, shown, facts, index, state.runs());
  const warnings = openActions(state, machine.paths).underWay.map(nowOf);
  return { how: index === null ? 'unknown' : 'now', run: null, machine: facts.machine.name, warnings, about };
}

/**
 * Explains what a run that is on record decided.
 * @param id of the run, or `last`
 * @param trusted the catalog at hand, which may be the run's
 * @throws D3Error notFound (34) with the runs there are
 */
export function explainRun(id: string, state: StateReader, trusted: TrustedCatalog | null): Explainer {
  const record = runNamed(id, state.runs());
  const { plan } = record;
  const facts: Facts = { ...GATHERED_LATER, ...record.facts };
  const run = headOf(record);
  const { request = { kind: 'sync', force: false, puppies: false }, proposals } = record;
  const index = trusted !== null && record.catalog === trusted.sha256 ? indexCatalog(trusted.catalog) : null;
  const replays = proposals !== undefined && (index !== null || record.catalog === null);
  if (!replays) {
    const about = explaining(request, plan, facts, null, [record]);
    return { how: 'stored', run, machine: facts.machine.name, warnings: [], about };
  }
  const again = planAgain({ request, facts, proposals }, index ?? undefined);
  const differs = JSON.stringify(again.decisions) !== JSON.stringify(plan.decisions);
  const warnings = differs ? ['this d3 decides otherwise than the one that made the run did'] : [];
  const about = explaining(request, again, facts, index, [record]);
  return { how: 'replayed', run, machine: facts.machine.name, warnings, about };
}

/** What was not always gathered; records of older d3s lack it. */
const GATHERED_LATER = { deferred: [], waits: [] };

function headOf({ id, command, startedAt, exit }: RunRecord): ExplainedRun {
  return { id, command, startedAt, exit };
}

function runNamed(id: string, runs: readonly RunRecord[]): RunRecord {
  const found = id === 'last' ? runs[0] : runs.find((run) => run.id === id);
  if (found !== undefined) return found;
  const kept = runs.map((run) => `${run.id}  ${run.command}, ${run.startedAt}, exit ${run.exit}`);
  throw new D3Error('RUN_NOT_FOUND', 'notFound', `No run ${id} is on record here.`, {
    target: id,
    actions: kept.length === 0 ? ['no run is on record yet'] : [['name one of these:', ...kept].join('\n')],
  });
}

function explaining(
  request: Request,
  plan: Plan,
  facts: Facts,
  index: CatalogIndex | null,
  runs: readonly RunRecord[],
): Explainer['about'] {
  return (name) => {
    const decided = plan.decisions.find((decision) => decision.target === name)?.basename;
    const basename = decided ?? basenameMeant(name, facts, index);
    if (basename === null) throw unknownBasename(name, knownBasenames(facts, index));
    const explanation = explain(basename, request, plan, facts, index);
    const own = (run: RunRecord) => run.outcomes.filter((outcome) => outcome.basename === basename);
    const of = runs.find((run) => own(run).length > 0);
    if (of === undefined) return { ...explanation, outcomes: [], outcomesOf: null };
    return { ...explanation, outcomes: own(of), outcomesOf: headOf(of) };
  };
}

/** Names told when one is not known; more would bury the message. */
const TOLD = 30;

function unknownBasename(name: string, known: readonly string[]): D3Error {
  const more = known.length > TOLD ? `, and ${known.length - TOLD} more` : '';
  const list = known.length === 0 ? 'none yet' : `${known.slice(0, TOLD).join(', ')}${more}`;
  return new D3Error('NOT_FOUND', 'notFound', `${name} is neither installed here nor in the depot.`, {
    target: name,
    actions: [`name one of the basenames there are: ${list}`],
  });
}
