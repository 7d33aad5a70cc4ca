/**
 * What expiration adds to a plan: 500 receipts, 50 users' usage files of 200 apps each. Against reading the same files and doing
 * nothing with them, and against the plan of a sync without expiration.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExpiringReceipt } from '../plugins/expiration/src/facts.ts';
import { gather } from '../plugins/expiration/src/gather.ts';
import { judge } from '../plugins/expiration/src/rules.ts';
import { writeUsage } from '../plugins/expiration/src/usage-file.ts';
import { USAGE_FOLDER_MODE, usageFile, usageFolder } from '../plugins/expiration/src/usage-folder.ts';
import { indexCatalog } from '../src/catalog/resolve.ts';
import { plan } from '../src/planner/plan.ts';
import { catalogOf, factsOf } from './fleet.ts';
import { median, say } from './measure.ts';

const BASENAMES = 1000;
const RECEIPTS = 500;
const USERS = 50;
const APPS = 200;
const RUNS = 15;
const WARM_UP = 3;
const DAY = 86_400_000;

const root = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-'));
const ago = (days: number) => new Date(Date.now() - days * DAY);
const appOf = (number: number) => `/Applications/App ${number}.app/Contents/MacOS/App ${number}`;

async function timed(work: () => unknown): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}

try {
  const folder = usageFolder(root, process.platform);
  mkdirSync(folder, { recursive: true, mode: USAGE_FOLDER_MODE });
  for (let user = 0; user < USERS; user += 1) {
    const uses = Array.from({ length: APPS }, (_, at) => {
      const app = user * 7 + at;
      return [appOf(app), ago(((app * 13) % 90) + user / USERS)] as const;
    });
    writeUsage(usageFile(folder, `user${user}`), { lastUsed: new Map(uses), since: ago(400) });
  }
  const receipts = Array.from(
    { length: RECEIPTS },
    (_, at): ExpiringReceipt => ({
      basename: `pkg${at}`,
      edition: `pkg${at}-1-1`,
      removable: true,
      expiration: 30,
      expirationPaths: [appOf(at)],
      firmExpiration: null,
      installedAt: ago(300).toISOString(),
    }),
  );
  const ports = {
    root,
    platform: process.platform,
    settings: { all: async () => ({ 'expiration.allowed': 'yes', 'expiration.noticeDays': 7 }) },
    state: { get: () => null },
    processes: { list: async () => [{ executable: null, names: ['d3RepoMan'] }] },
  };
  const catalog = catalogOf(BASENAMES);
  const facts = factsOf(catalog, RECEIPTS);
  let expired = 0;
  const expire = async () => {
    const at = new Date().toISOString();
    const gathered = await gather(receipts, at, ports);
    expired = receipts.filter((receipt) => judge(receipt, gathered.facts, at).kind === 'expire').length;
  };
  const read = () => readdirSync(folder).map((name) => readFileSync(path.join(folder, name)));
  const planned = () => plan({ kind: 'sync', force: false, puppies: false }, facts, indexCatalog(catalog));

  const own: number[] = [];
  const overReading: number[] = [];
  const overPlan: number[] = [];
  for (let run = 0; run < WARM_UP + RUNS; run += 1) {
    const spent = await timed(expire);
    const reading = await timed(read);
    const planning = await timed(planned);
    if (run < WARM_UP) continue;
    own.push(spent);
    overReading.push(spent / reading);
    overPlan.push(spent / planning);
  }
  if (expired === 0 || expired === RECEIPTS)
    throw new Error(`${expired} of ${RECEIPTS} expired, which measures nothing`);
  say(
    `expiration, ${RECEIPTS} receipts, ${USERS} usage files of ${APPS} apps (${expired} expire): ${median(own).toFixed(1)} ms, ${median(overReading).toFixed(1)} x reading the files, ${median(overPlan).toFixed(1)} x the plan without it`,
  );
} finally {
  rmSync(root, { recursive: true, force: true });
}
