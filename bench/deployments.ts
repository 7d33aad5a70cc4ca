/**
 * Deployments of many hosts through the engine: the depot, the worker and the runs are real, hosts are played and answer at once. Says how
 * long it took, CPU, the most memory, how much of it each host more takes, and how long it takes to go on where another one was
 * stopped half-way.
 *
 *     node --conditions=d3-source --disable-warning=ExperimentalWarning bench/deployments.ts [HOSTS…]
 */

import { EVERYONE } from '../plugins/staypuft/src/deployment/plan.ts';
import { Played } from '../plugins/staypuft/test/support/played.ts';

const ROLES = {
  schema: 'd3/blueprint@1',
  description: '',
  roles: [
    { name: 'first', steps: ['sync'], abreast: 100 },
    { name: 'rest', after: ['first'], steps: ['sync'], abreast: 100 },
  ],
};

const sizes = process.argv.slice(2).map(Number);
const memory: [hosts: number, bytes: number][] = [];
for (const count of sizes.length === 0 ? [1000, 5000] : sizes) {
  const hosts = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `host-${String(index).padStart(5, '0')}`,
      index < count / 2 ? 'first' : 'rest',
    ]),
  );
  const played = await Played.open(ROLES, hosts);
  played.abreast = 100;
  try {
    const stop = new AbortController();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 100);
    const before = process.cpuUsage();
    const began = performance.now();
    // It is stopped when half of all is done, and goes on in a worker that knows nothing of the first.
    const half = setInterval(() => {
      if (played.hosts.did.length >= count / 2) stop.abort(new Error('stopped half-way'));
    }, 10);
    await played.run(EVERYONE, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    clearInterval(half);
    const stopped = performance.now();
    const did = played.hosts.did.length;
    let firstAgain = 0;
    const again = setInterval(() => {
      if (firstAgain === 0 && played.hosts.did.length > did) firstAgain = performance.now();
    }, 5);
    const end = await played.resume();
    clearInterval(again);
    clearInterval(watch);
    const took = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(before);
    memory.push([count, most]);
    process.stdout.write(
      `${count} hosts: ${end.state} in ${took.toFixed(1)} s (${(count / took).toFixed(0)} a second), CPU ${((user + system) / 1e6).toFixed(1)} s, ` +
        `at most ${(most / 2 ** 20).toFixed(0)} MiB; stopped at ${did}, went on ${((firstAgain - stopped) / 1000).toFixed(1)} s later; ` +
        `steps done twice: ${played.hosts.did.length - count}\n`,
    );
  } finally {
    played.close();
  }
}
const [small, large] = [memory.at(0), memory.at(-1)];
if (small !== undefined && large !== undefined && small !== large)
  process.stdout.write(
    `each host more takes ${((large[1] - small[1]) / (large[0] - small[0]) / 1024).toFixed(0)} KiB\n`,
  );
