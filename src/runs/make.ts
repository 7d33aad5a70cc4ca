import type { Origin, Run, Step } from './types.ts';

interface NewRun {
  id: string;
  origin: Origin;
  by: string;
  at: Date;
  steps: readonly Step[];
  parent?: string | null;
  environment?: Record<string, string>;
}

/** A run that has not begun. Its steps were checked. */
export function newRun({ id, origin, by, at, steps, parent = null, environment = {} }: NewRun): Run {
  return {
    schema: 'd3/step-run@1',
    id,
    origin,
    parent,
    by,
    createdAt: at.toISOString(),
    endedAt: null,
    state: 'running',
    text: '',
    cursor: 0,
    steps: steps.map((step) => ({
      step: { ...step, args: step.args ?? {} },
      state: 'pending',
      attempts: 0,
      failures: 0,
      startedAt: null,
      endedAt: null,
      notBefore: null,
      text: '',
      problem: null,
      skipped: null,
      data: null,
    })),
    environment,
    cancel: null,
    lease: null,
    leases: 0,
    generation: 1,
  };
}
