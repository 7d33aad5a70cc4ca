/**
 * Cuts random requests on random machines at every point there is, and holds what comes of each cut to what must:
 * `npm run test:kill -- [--points N] [--seed S] [--from W]`. A world that fails is named by its seed and number, and repeated by
 * `--seed S --from W --points 1`.
 */
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { holdsAfterCut, settled } from '../test/kill/check.ts';
import { cutEverywhere, machineAt } from '../test/kill/cuts.ts';
import { killWorlds } from '../test/kill/worlds.ts';
import { Sandbox } from '../test/support/sandbox.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '0' },
  },
});
const wanted = Number(values.points);
const seed = Number(values.seed);
const say = (text: string) => process.stdout.write(`${text}\n`);

const MOST_WORLDS = 5000;
const worlds = fc.sample(killWorlds, { seed, numRuns: MOST_WORLDS });
let points = 0;
let failed = 0;
say(`seed ${seed}, ${wanted} points`);
for (let number = Number(values.from); points < wanted && number < worlds.length; number += 1) {
  const world = worlds[number];
  if (world === undefined) break;
  const sandbox = await Sandbox.make();
  try {
    const { root } = sandbox.machine('mac');
    const options = { scripts: world.scripts };
    await world.before(sandbox, machineAt(sandbox, root, options));
    const { cuts, fresh } = await cutEverywhere(sandbox, root, world.request, options);
    await fresh.request(world.request);
    await settled(fresh);
    for (const cut of cuts) await holdsAfterCut(cut, world.request, fresh);
    points += cuts.length;
    say(`world ${number}, ${world.title}: ${cuts.length} points, ${points} in all`);
  } catch (error) {
    failed += 1;
    say(`world ${number}, ${world.title}: FAILED\n${(error as Error).stack}`);
    say(`repeat it: npm run test:kill -- --seed ${seed} --from ${number} --points 1`);
  } finally {
    sandbox.remove();
  }
}
say(`${points} points held, ${failed} worlds failed`);
process.exitCode = failed === 0 ? 0 : 1;
