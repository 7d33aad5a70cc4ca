import { D3Error, D3Errors, type DepotRunsPort, EXIT_CODES } from '@d3/sdk';
import { stepProblems } from '../runs/check.ts';
import { cancelRun, hurryStep, resumeRun, retryStep, skipStep } from '../runs/decisions.ts';
import { isHeld } from '../runs/engine.ts';
import { asStep, runHere } from '../runs/for-plugins.ts';
import { newRun } from '../runs/make.ts';
import type { Run } from '../runs/types.ts';
import type { DepotRuns } from './runs.ts';
import type { AdminSession } from './session.ts';

const KIND = 'deployment';
/** Milliseconds a lease lasts, and between two looks for what is to be advanced. */
const LEASE = 60_000;
const LOOK = 200;

/** The depot's runs that a plugin started, for the plugin. */
export function depotRunsPort(session: AdminSession): DepotRunsPort {
  const store = session.depot.store.runs;
  let opened: Promise<DepotRuns> | null = null;
  const runs = () => {
    opened ??= import('./runs.ts').then(({ depotRuns }) => depotRuns(session));
    return opened;
  };
  const deciding = async () => (await runs()).deciding;
  const own = async (id: string): Promise<void> => {
    const run = await store.get(id);
    if (run?.origin.kind === KIND) return;
    throw new D3Error('RUN_NOT_FOUND', 'notFound', `There is no run ${id} of a deployment.`, { target: id });
  };
  const shown = async (run: Run) => runHere(run, isHeld(run, await deciding()));
  return {
    async create({ id, name, parent, steps }) {
      const { kinds, clock } = await (await runs()).engine();
      const problems = await stepProblems(steps, kinds);
      if (problems.length > 0) throw new D3Errors(problems, EXIT_CODES.usage.code);
      const origin = { kind: KIND, id: null, name, event: null } as const;
      await store.create(newRun({ id, origin, parent, by: session.admin, at: clock.now(), steps: steps.map(asStep) }));
    },
    async get(id) {
      const run = await store.get(id);
      return run?.origin.kind === KIND ? shown(run) : null;
    },
    family: (parent) => store.family(parent),
    async retry(id) {
      await own(id);
      return shown(await retryStep(id, session.admin, await deciding()));
    },
    async resume(id) {
      await own(id);
      return shown(await resumeRun(id, session.admin, await deciding()));
    },
    async skip(id, why) {
      await own(id);
      return shown(await skipStep(id, { by: session.admin, why }, await deciding()));
    },
    async cancel(id, why) {
      await own(id);
      return shown(await cancelRun(id, { by: session.admin, why }, await deciding()));
    },
    hurry: async (id) => hurryStep(id, await deciding()),
    log: (id, after) => store.lines(id, after),
    async work(id, { abreast }) {
      const { workOnRuns } = await import('./run-worker.ts');
      await workOnRuns(session, { abreast, lease: LEASE, look: LOOK, family: id, once: true, queue: null });
    },
  };
}
