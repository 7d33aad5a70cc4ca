/**
 * A repository of Munki's is taken in, its catalog built, and a Mac decides what to do by it; each beside a floor in the same run:
 * the same files read and hashed, the same property lists read, the same catalog as JSON.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, readPlainPlist, writePlist } from '@d3/flatpkg';
import { silentReporter } from '@d3/sdk';
import { importMunki } from '../src/admin/import/munki.ts';
import { withDepot } from '../src/admin/session.ts';
import { indexCatalog } from '../src/catalog/resolve.ts';
import type { Catalog } from '../src/catalog/types.ts';
import { initDepot, openDepot } from '../src/depot/index.ts';
import { noPlugins } from '../src/lifecycle/plugins.ts';
import { plan } from '../src/planner/plan.ts';
import { systemClock } from '../src/platform/clock.ts';
import { factsOf } from './fleet.ts';
import { median, say } from './measure.ts';

/** Versions of each name. */
const VERSIONS = 4;
/** Files the packages of a name hold, each a few hundred bytes. */
const FILES = 3;
const RECEIPTS = 500;
const ROUNDS = 15;

const project = path.dirname(import.meta.dirname);
// In the project's own folder: a system's folder for such things may be in memory, where nothing waits for a disk.
mkdirSync(path.join(project, 'out'), { recursive: true });
for (const items of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1000, 10_000]) {
  const dir = mkdtempSync(path.join(project, 'out', 'bench-munki-'));
  try {
    await bench(items, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function bench(items: number, dir: string): Promise<void> {
  const repository = path.join(dir, 'repo');
  const depot = path.join(dir, 'depot');
  await makeRepository(items, repository, dir);
  await initDepot(depot, { clock: systemClock });
  say(`munki: ${items} items, ${Math.ceil(items / VERSIONS)} names, on ${os.cpus().length} processors`);

  // Twice, and the second counts: what the first read is in the memory of the system by then, for both.
  await floorOfImport(repository);
  const floor = await timed(() => floorOfImport(repository));
  const parsed = await timed(async () => parsePkginfos(repository));
  const took = await timed(() => imported(depot, repository, items, 'imported'));
  line('import', took, 'the same files read and hashed', floor);
  const again = await timed(() => imported(depot, repository, items, 'there'));
  line('import again (nothing to do)', again, 'the same pkginfos parsed', parsed);

  const opened = await openDepot(depot, { clock: systemClock });
  const publishing: number[] = [];
  let bytes = Buffer.alloc(0);
  for (let round = 0; round < 3; round += 1) {
    const [edition] = await opened.store.editions.list();
    if (edition === undefined) throw new Error('there is nothing in the depot');
    await opened.store.editions.update(edition.id, { description: `round ${round}` }, 'bench');
    publishing.push(await timed(() => opened.publish()));
    const record = await opened.store.publication.last();
    bytes = readFileSync(path.join(depot, 'public', 'targets', `${record?.catalogSha256}.catalog.json`));
  }
  await opened.close();
  const catalog = JSON.parse(bytes.toString()) as Catalog;
  const written = await rounds(() => createHash('sha256').update(JSON.stringify(catalog)).digest('hex'));
  line('catalog built, signed and published', median(publishing), 'the same catalog as JSON, and hashed', written);

  const facts = factsOf(catalog, RECEIPTS);
  const asked = { kind: 'sync', force: false, puppies: false } as const;
  const decided = await rounds(() => plan(asked, facts, indexCatalog(JSON.parse(bytes.toString()) as Catalog)));
  const read = await rounds(() => JSON.parse(bytes.toString()));
  line(`decision of a sync (${RECEIPTS} receipts), catalog read`, decided, 'the same catalog parsed', read);
}

/** A repository as makepkginfo and makecatalogs leave it. */
async function makeRepository(items: number, dir: string, work: string): Promise<void> {
  const all: Record<string, unknown>[] = [];
  for (const folder of ['catalogs', 'manifests', 'pkgs/apps', 'pkgsinfo/apps'])
    mkdirSync(path.join(dir, folder), { recursive: true });
  for (let at = 0; at < items; at += 1) {
    const [name, version] = [`Product${Math.floor(at / VERSIONS)}`, `1.${at % VERSIONS}`];
    const root = path.join(work, 'root');
    const app = path.join(root, 'Applications', `${name}.app`, 'Contents');
    mkdirSync(app, { recursive: true });
    for (let file = 0; file < FILES; file += 1)
      writeFileSync(path.join(app, `file-${file}`), `${name} ${version} ${file} `.repeat(20));
    const location = `apps/${name}-${version}.pkg`;
    await build({ root, output: path.join(dir, 'pkgs', location), identifier: `org.example.${name}`, version });
    rmSync(root, { recursive: true });
    const content = readFileSync(path.join(dir, 'pkgs', location));
    const pkginfo = {
      name,
      version,
      display_name: `Product ${Math.floor(at / VERSIONS)}`,
      description: 'Does what it does.',
      category: `Category ${at % 10}`,
      developer: 'Example',
      catalogs: at % VERSIONS === VERSIONS - 1 ? ['testing'] : ['testing', 'production'],
      minimum_os_version: '13.0',
      unattended_install: true,
      uninstallable: true,
      uninstall_method: 'removepackages',
      installer_item_location: location,
      installer_item_hash: createHash('sha256').update(content).digest('hex'),
      installer_item_size: Math.floor(content.length / 1024),
      installed_size: 1,
      installs: [{ type: 'application', path: `/Applications/${name}.app`, CFBundleIdentifier: `org.example.${name}` }],
      receipts: [{ packageid: `org.example.${name}`, version }],
      ...(at % 5 === 0 ? { preinstall_script: `#!/bin/sh\necho ${name}\n` } : {}),
    };
    all.push(pkginfo);
    writeFileSync(path.join(dir, 'pkgsinfo', 'apps', `${name}-${version}.plist`), writePlist(pkginfo));
  }
  writeFileSync(path.join(dir, 'catalogs', 'all'), writePlist(all as never));
  const some = Array.from({ length: Math.ceil(items / VERSIONS / 10) }, (_, at) => `Product${at}`);
  writeFileSync(
    path.join(dir, 'manifests', 'site_default'),
    writePlist({ catalogs: ['production'], managed_installs: some }),
  );
  writeFileSync(
    path.join(dir, 'manifests', 'lab'),
    writePlist({ catalogs: ['production'], included_manifests: ['site_default'], managed_installs: ['Product100'] }),
  );
}

async function imported(depot: string, dir: string, items: number, fate: string): Promise<void> {
  const { result, errors } = await withDepot(
    {
      dir: depot,
      admin: 'bench',
      clock: systemClock,
      plugins: noPlugins,
      report: silentReporter,
      signal: new AbortController().signal,
    },
    (session) => importMunki({ dir, released: ['production'], dryRun: false, pilotsOnly: false }, session),
  );
  const done = result.items.filter((item) => item.fate === fate).length;
  if (errors.length > 0 || done !== items)
    throw new Error(`${done} of ${items} are ${fate}: ${errors[0]?.message ?? ''}`);
}

async function floorOfImport(dir: string): Promise<void> {
  for (const folder of ['pkgsinfo/apps', 'pkgs/apps']) {
    for (const name of readdirSync(path.join(dir, folder))) {
      const hash = createHash('sha256');
      for await (const piece of createReadStream(path.join(dir, folder, name))) hash.update(piece as Buffer);
      hash.digest('hex');
    }
  }
}

function parsePkginfos(dir: string): void {
  const folder = path.join(dir, 'pkgsinfo', 'apps');
  for (const name of readdirSync(folder)) readPlainPlist(readFileSync(path.join(folder, name)), name);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

async function rounds(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await timed(async () => work()));
  return median(times);
}

function line(what: string, own: number, beside: string, floor: number): void {
  say(`  ${what}: ${shown(own)}, ${(own / floor).toFixed(1)} x ${beside} (${shown(floor)})`);
}

function shown(milliseconds: number): string {
  return milliseconds < 10_000
    ? `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}
