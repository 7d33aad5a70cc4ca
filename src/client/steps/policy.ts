import type { Json } from '@d3/sdk';
import { coreKind } from '../../runs/kinds.ts';
import type { StepEnd, StepKind } from '../../runs/types.ts';
import type { Policies, PolicyOutcome } from '../policies.ts';
import type { StateRuns } from '../state/step-runs.ts';

/** A policy as a step of another run: its own runs are taken up again by their names. */
export function policyKind(policies: Policies, store: StateRuns): StepKind {
  return coreKind<{ policy: string }>(
    'policy',
    null,
    async ({ run, index, keep }, { policy }) => {
      const request = { word: policy, by: run.by, environment: run.environment };
      const outcomes = await policies.runWithin(request, run, index);
      const end = endOf(outcomes);
      if (end.kind !== 'failed') await keep({ runs: outcomes.flatMap(({ run: id }) => (id === null ? [] : [id])) });
      return end;
    },
    async ({ data }) => {
      const ids = runsIn(data);
      if (ids.length === 0) return null;
      for (const id of ids) if ((await store.get(id))?.state !== 'done') return null;
      return `${ids.join(', ')} is done`;
    },
  );
}

function runsIn(data: Json): string[] {
  const { runs = [] } = (data ?? {}) as { runs?: string[] };
  return runs;
}

function endOf(outcomes: readonly PolicyOutcome[]): StepEnd {
  const said = (chosen: readonly PolicyOutcome[]) =>
    chosen.map(({ policy, text, state }) => `${policy}: ${text || state}`).join('; ');
  const failed = outcomes.find(
    ({ problem, state }) => problem !== null && state !== 'holding' && state !== 'open' && state !== 'waiting',
  );
  if (failed?.problem) {
    const { code, exit, actions } = failed.problem;
    return { kind: 'failed', text: said([failed]), problem: { code, exit, actions: [...actions] } };
  }
  const held = outcomes.filter(({ state }) => state === 'holding' || state === 'open');
  if (held.length > 0) return { kind: 'hold', text: said(held) };
  const waiting = outcomes.filter(({ state }) => state === 'waiting');
  return waiting.length > 0 ? { kind: 'leave', text: said(waiting) } : { kind: 'done', text: said(outcomes) };
}
