import { existsSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Does one thing to a depot and is killed before its n-th change of the file system, or with n and a half right after it:
 * `node kill-child.ts N WHAT DIR …`. Where a file is named last, they are counted from when it is there. Exits 0 when it got through.
 */
const [limit, what, dir, trustDir = '', since] = process.argv.slice(2) as [string, string, string, string?, string?];

let changes = 0;
let isCounting = since === undefined;
const die = () => process.kill(process.pid, 'SIGKILL');
const patched = fsPromises as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const name of ['rename', 'mkdir', 'mkdtemp', 'rm', 'rmdir', 'unlink', 'copyFile', 'writeFile']) {
  const original = patched[name] as (...args: unknown[]) => unknown;
  patched[name] = async (...args) => {
    isCounting ||= since !== undefined && existsSync(since);
    if (isCounting) changes += 1;
    if (changes === Number(limit)) die();
    const result = await original(...args);
    if (changes + 0.5 === Number(limit)) die();
    return result;
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
if (what === 'move') {
  const { moveDepot } = await import('../../src/depot/index.ts');
  const { placeText, postgresPlace } = await import('../../src/depot/store/postgres-place.ts');
  // To a folder the address says no more than the password of the server it comes from.
  const [to = '', from = to] = trustDir.split(' ');
  const { password } = postgresPlace(from);
  await moveDepot({
    dir,
    database: { url: null, password },
    to: to === from ? placeText(postgresPlace(to)) : to,
    password,
    dryRun: false,
    report: () => undefined,
    signal: new AbortController().signal,
  });
}
if (what === 'refresh') await createDepotClient({ transport: new FolderTransport(dir), trustDir, clock }).refresh();
