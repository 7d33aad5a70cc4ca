import type { RunsPort } from '@d3/sdk';
import { D3Errors, EXIT_CODES } from '@d3/sdk';
import type { Clock } from '../platform/clock.ts';
import { stepProblems } from '../runs/check.ts';
import { cancelRun, hurryStep, resumeRun, retryStep, skipStep } from '../runs/decisions.ts';
import { isHeld } from '../runs/engine.ts';
import { asStep, runHere } from '../runs/for-plugins.ts';
import { newRun } from '../runs/make.ts';
import type { Run } from '../runs/types.ts';
import type { StepRuns } from './step-runs.ts';

/** The runs of this machine that a plugin started, for the plugin. */
export function pluginRuns(runs: StepRuns, clock: Clock): RunsPort {
  const { store, deciding } = runs;
  const shown = (run: Run) => runHere(run, isHeld(run, deciding));
  const own = async (id: string) => {
    const run = await store.get(id);
    return run !== null && run.origin.kind === KIND ? run : null;
  };
  return {
    async create({ id, name, by, steps }) {
      const problems = await stepProblems(steps, await runs.kinds());
      if (problems.length > 0) throw new D3Errors(problems, EXIT_CODES.usage.code);
      const origin = { kind: KIND, id: null, name, event: null } as const;
      const run = newRun({ id, origin, by, at: clock.now(), steps: steps.map(asStep) });
      await runs.create(run);
      return shown(run);
    },
    async get(id) {
      const run = await own(id);
      return run === null ? null : shown(run);
    },
    list: async () => (await store.list()).filter(({ origin }) => origin.kind === KIND).map(shown),
    async advance(id, { stays, by }) {
      const before = await own(id);
      if (before?.state === 'holding' || before?.state === 'waiting') await resumeRun(id, by, deciding);
      return shown(await runs.advance(id, { stays }));
    },
    retry: async (id, by) => shown(await retryStep(id, by, deciding)),
    skip: async (id, by, why) => shown(await skipStep(id, { by, why }, deciding)),
    cancel: async (id, by, why) => shown(await cancelRun(id, { by, why }, deciding)),
    hurry: (id) => hurryStep(id, deciding),
    log: async (id) => (await store.lines(id)).map(({ at, step, text }) => ({ at, step, text })),
  };
}

const KIND = 'provisioning';
