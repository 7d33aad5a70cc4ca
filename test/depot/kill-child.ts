import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Does one thing to a depot and is killed before its n-th change of the file system: `node kill-child.ts N WHAT DIR …`.
 * Exits 0 when it got through.
 */
const [limit, what, dir, trustDir = ''] = process.argv.slice(2) as [string, string, string, string?];

let changes = 0;
const patched = fsPromises as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of ['rename', 'mkdir', 'mkdtemp', 'rm', 'rmdir', 'unlink', 'copyFile', 'writeFile']) {
  const original = patched[name] as (...args: unknown[]) => unknown;
  patched[name] = (...args) => {
    changes += 1;
    if (changes === Number(limit)) process.kill(process.pid, 'SIGKILL');
    return original(...args);
  };
}
syncBuiltinESMExports();

const { createDepotClient, FolderTransport, initDepot, openDepot } = await import('../../src/depot/index.ts');
const { systemClock: clock } = await import('../../src/platform/clock.ts');
const { newEdition } = await import('./helpers.ts');

if (what === 'init') await initDepot(dir, { clock });
if (what === 'publish') {
  const depot = await openDepot(dir, { clock });
  await depot.store.editions.insert(newEdition({ revision: 2 }), 'a');
  await depot.publish();
  await depot.close();
}
if (what === 'rotate') {
  const depot = await openDepot(dir, { clock });
  const rotation = { add: [], remove: [], threshold: null, folder: null };
  for (const role of ['timestamp', 'targets'] as const) await depot.signing.rotate({ role, ...rotation }, 'sally');
  await depot.publish();
  await depot.close();
}
if (what === 'copy') {
  const depot = await openDepot(dir, { clock });
  await depot.copyTo(trustDir, { inbox: false, graceDays: 0, check: false });
  await depot.close();
}
if (what === 'collect') {
  const depot = await openDepot(dir, { clock });
  await depot.collect(trustDir);
  await depot.close();
}
if (what === 'refresh') await createDepotClient({ transport: new FolderTransport(dir), trustDir, clock }).refresh();
