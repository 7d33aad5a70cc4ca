/** The plan of a sync, against only reading the same catalog's JSON. */
import { indexCatalog } from '../src/catalog/resolve.ts';
import { plan } from '../src/planner/plan.ts';
import { catalogOf, factsOf } from './fleet.ts';
import { median, say } from './measure.ts';

const BASENAMES = 1000;
const RECEIPTS = 500;
const RUNS = 30;

const catalog = catalogOf(BASENAMES);
const facts = factsOf(catalog, RECEIPTS);
const text = JSON.stringify(catalog);

function timed(work: () => unknown): number {
  const started = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

const ratios: number[] = [];
const own: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const planned = timed(() => plan({ kind: 'sync', force: false, puppies: false }, facts, indexCatalog(catalog)));
  const read = timed(() => JSON.parse(text));
  if (run < 5) continue;
  own.push(planned);
  ratios.push(planned / read);
}
say(
  `plan, ${BASENAMES} basenames x 4 editions, ${RECEIPTS} receipts: ${median(ratios).toFixed(2)} x JSON.parse of the catalog (${median(own).toFixed(2)} ms)`,
);
