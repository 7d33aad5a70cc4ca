import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * Pulls into a depot in a process of its own and is killed at its n-th commit, before it, or with n and a half right after it:
 * `node pull-child.ts N DEPOT SERVER`; with 0 it is not. Prints what the depot has then.
 */
const [limit, dir, server] = process.argv.slice(2) as [string, string, string];

const { silentReporter } = await import('@d3/sdk');
const { adminPortOf } = await import('../../../../src/admin/plugin-port.ts');
const { withDepot } = await import('../../../../src/admin/session.ts');
const { kindsComeFrom } = await import('../../../../src/lifecycle/declared-kinds.ts');
const { systemClock: clock } = await import('../../../../src/platform/clock.ts');
const { noPlugins } = await import('../../../../src/lifecycle/plugins.ts');
const { Connection } = await import('../../src/connector/connection.ts');
const { pull } = await import('../../src/pull/pull.ts');
const { SECRET } = await import('./jamf-pro.ts');

const pjson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
kindsComeFrom(() => [{ pjson }]);
const { signal } = new AbortController();
const connection = new Connection({
  server,
  credentials: async () => ({ clientId: 'd3', clientSecret: SECRET }),
  clock: { now: Date.now, wait: async (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
  signal,
});

await withDepot(
  {
    dir,
    admin: 'sally',
    clock,
    plugins: noPlugins,
    report: silentReporter,
    signal,
    portOf: (one) => adminPortOf(one, dir),
  },
  async (session) => {
    const admin = adminPortOf(session, dir);
    let commits = 0;
    const original: DatabaseSync['exec'] = Reflect.get(DatabaseSync.prototype, 'exec');
    const die = () => process.kill(process.pid, 'SIGKILL');
    DatabaseSync.prototype.exec = function exec(sql) {
      if (sql === 'commit') commits += 1;
      if (sql === 'commit' && commits === Number(limit)) die();
      original.call(this, sql);
      if (sql === 'commit' && commits + 0.5 === Number(limit)) die();
    };
    const settings = { 'jamf.fullPullHours': 24, 'jamf.reportAttribute': 'd3 report' };
    const { kinds, computers, reports } = await pull({
      connection,
      admin,
      settings,
      ui: silentReporter,
      signal,
      dryRun: false,
      full: false,
    });
    const depot: Record<string, unknown> = {};
    for (const kind of ['category', 'script', 'group', 'computer', 'jamf-link'])
      depot[kind] = (await admin.documents(kind).list())
        .map(({ name, body }): [string, object] => [name, said(body)])
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
    depot['machines'] = (await admin.computers()).map(({ id }) => id);
    const conflicts = [...kinds.flatMap((one) => one.conflicts), ...computers.conflicts, ...reports.aside];
    process.stdout.write(JSON.stringify({ depot, conflicts }));
  },
);
await connection.close();
process.exit(0);

/** Without what differs from one depot to the next. */
function said(body: object): object {
  return Object.fromEntries(Object.entries(body).filter(([field]) => field !== 'target' && field !== 'seen'));
}
