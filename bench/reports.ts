/**
 * What admins ask of a depot, each against reading the same rows by plain SQL in the same process: show and search over
 * editions, reports over computers with 200 receipts each, how many machines change when an edition goes live, one computer. Growth: the same for 1,000, 3,000 and 10,000.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentReporter } from '@d3/sdk';
import { affectedBy } from '../src/admin/affected.ts';
import { showComputer } from '../src/admin/computers.ts';
import { editEdition } from '../src/admin/edit.ts';
import { addSmartGroup } from '../src/admin/groups.ts';
import { type ReportRequest, report } from '../src/admin/report.ts';
import { searchEditions } from '../src/admin/search.ts';
import { type AdminSession, withDepot } from '../src/admin/session.ts';
import { showEditions } from '../src/admin/show.ts';
import { editionMeant } from '../src/admin/targets.ts';
import { initDepot } from '../src/depot/index.ts';
import { noPlugins } from '../src/lifecycle/plugins.ts';
import { systemClock } from '../src/platform/clock.ts';
import { catalogOf } from './fleet.ts';
import { median, say } from './measure.ts';

const SIZES = [1_000, 3_000, 10_000];
const RECEIPTS = 200;
const RUNS = 7;
const AT = '2026-01-01T00:00:00.000Z';

for (const size of SIZES) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-reports-'));
  try {
    await initDepot(dir, { clock: systemClock });
    const plain = new DatabaseSync(path.join(dir, 'depot.db'));
    fill(plain, size);
    const signal = new AbortController().signal;
    const options = { dir, admin: 'bench', clock: systemClock, plugins: noPlugins, report: silentReporter, signal };
    await withDepot(options, (session) => measure(session, plain, size));
    plain.close();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function fill(plain: DatabaseSync, size: number): void {
  plain.exec('begin');
  const edition = plain.prepare('insert into editions values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const one of catalogOf(size / 4).editions) {
    const {
      id,
      basename,
      version,
      revision,
      edition: name,
      status,
      addedAt,
      addedBy,
      releasedAt,
      releasedBy,
      ...body
    } = one;
    const json = JSON.stringify({ schema: 'd3/edition@1', ...body });
    edition.run(id, basename, version, revision, name, status, json, addedAt, addedBy, releasedAt, releasedBy);
  }
  const known = plain.prepare('select id, basename, version, revision, edition from editions order by id').all() as {
    id: number;
    basename: string;
    version: string;
    revision: number;
    edition: string;
  }[];
  const oneEach = [...new Map(known.map((row) => [row.basename, row])).values()].slice(0, RECEIPTS);
  const computer = plain.prepare(
    `insert into computers (id, name, name_key, claims, os, cpu, d3, first_contact, last_contact, last_run)
     values (?, ?, ?, '{"serial":null,"hardwareUuid":null,"macs":[]}', '{"name":"macos","version":"15"}', 'arm64', '0', ?, ?, 'r')`,
  );
  const receipt = plain.prepare(
    `insert into computer_receipts (computer_id, basename, edition_id, edition, version, revision, piloting, frozen, admin, installed_at)
     values (?, ?, ?, ?, ?, ?, 0, 0, 'sally', ?)`,
  );
  const report = plain.prepare('insert into reports (computer_id, run, at, body) values (?, ?, ?, ?)');
  for (let n = 0; n < size; n += 1) {
    const id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    computer.run(id, `lab-${n}`, `lab-${n}`, AT, AT);
    report.run(id, 'r', AT, reportOf(id, n));
    for (const { id: edition_, basename, version, revision, edition: name } of oneEach)
      receipt.run(id, basename, edition_, name, version, revision, AT);
  }
  plain.exec('commit; analyze');
}

/** A newest report as the depot keeps it: what is installed has a table of its own. */
function reportOf(id: string, n: number): string {
  return JSON.stringify({
    schema: 'd3/report@1',
    run: 'r',
    at: AT,
    computer: { id, name: `lab-${n}`, claims: { serial: null, hardwareUuid: null, macs: [] }, user: null },
    os: { name: 'macos', version: '15' },
    cpu: 'arm64',
    model: n % 2 === 0 ? 'Mac14,7' : 'Mac15,3',
    provisioning: {},
    d3: '0',
    command: 'sync',
    exit: 0,
    outcomes: [],
    receipts: [],
    queue: [],
  });
}

async function measure(session: AdminSession, plain: DatabaseSync, size: number): Promise<void> {
  const basename = (plain.prepare('select basename from computer_receipts limit 1').get() as { basename: string })
    .basename;
  const request: ReportRequest = {
    type: 'installed',
    targets: [basename],
    computers: false,
    queue: false,
    statuses: null,
    frozen: false,
  };
  const editions = () => plain.prepare('select * from editions order by basename, id').all();
  const receipts = (where: string, value: string) =>
    plain
      .prepare(
        `select r.*, c.name, c.last_contact from computer_receipts r join computers c on c.id = r.computer_id where ${where} = ? order by c.name_key`,
      )
      .all(value);
  const none = { patterns: [], statuses: null };
  await against(`show, ${size} editions`, () => showEditions('all', [], session), editions);
  await against(
    `search '1.*$', ${size} editions`,
    () => searchEditions({ ...none, patterns: ['1.*$'] }, session),
    editions,
  );
  await against(
    `report on a basename, ${size} computers x ${RECEIPTS} receipts`,
    () => report(request, session),
    () => receipts('r.basename', basename),
  );
  const live = plain.prepare(`select id from editions where basename = ? and status = 'pilot'`).get(basename) as {
    id: number;
  };
  const groups = { standard: 'standard', model: 'by-model', installed: 'by-package' };
  await addSmartGroup('by-model', '', 'model is Mac14,7', session);
  await addSmartGroup('by-package', '', 'installed is product-1', session);
  for (const [what, group] of Object.entries(groups)) {
    await editEdition(String(live.id), { autoGroups: group }, session);
    const edition = await editionMeant(String(live.id), session);
    await against(
      `machines that change (${what}), ${size} computers x ${RECEIPTS} receipts`,
      () => affectedBy(edition, session),
      () => receipts('r.basename', basename),
    );
  }
  await against(
    `computer show, ${size} computers x ${RECEIPTS} receipts`,
    () => showComputer('lab-7', session),
    () => receipts('c.name_key', 'lab-7'),
  );
  await against(
    `report on a computer, ${size} computers x ${RECEIPTS} receipts`,
    () => report({ ...request, type: 'computer', targets: ['lab-7'] }, session),
    () => receipts('c.name_key', 'lab-7'),
  );
}

async function against(what: string, work: () => Promise<unknown>, floor: () => unknown): Promise<void> {
  const [own, floors]: [number[], number[]] = [[], []];
  for (let run = -2; run < RUNS; run += 1) {
    const took = await timed(work);
    const least = await timed(floor);
    if (run < 0) continue;
    own.push(took);
    floors.push(least);
  }
  const ratio = median(own.map((took, at) => took / (floors[at] ?? took)));
  say(`${what}: ${ratio.toFixed(1)} x plain SQL (${median(own).toFixed(1)} ms; floor ${median(floors).toFixed(1)} ms)`);
}

async function timed(work: () => unknown): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}
