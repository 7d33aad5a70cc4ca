import { D3Error } from '@d3/sdk';
import { Args, type Command } from '@oclif/core';
import type { Run } from '../runs/types.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { ClientCommand, type CommandContext, type Outcome } from './base.ts';
import type { RunPlace } from './run-place.ts';
import { runWords, type ShownRun } from './run-text.ts';

interface RunFlags {
  'of-depot': boolean;
  admin?: string | undefined;
  wait?: number | undefined;
  debug: boolean;
}

export const runArgument = {
  id: Args.string({ name: 'id', description: 'The id of the run.', required: true }),
};

/** The base of commands that decide something about a run and let it go on. */
export abstract class RunDecision<T extends typeof Command = typeof Command> extends ClientCommand<ShownRun[], T> {
  /** Whether it is to end runs. */
  protected readonly ends: boolean = false;

  /** Decides, and lets go on what may. */
  protected abstract decide(context: CommandContext<never, never>, place: RunPlace): Promise<Run[]>;

  async execute(context: CommandContext<never, never>): Promise<Outcome<ShownRun[]>> {
    const { withRuns } = await import('./run-place.ts');
    const flags = context.flags as RunFlags;
    const runs = await withRuns({ ...context, flags }, true, (place) => this.decide(context, place));
    return runsEnded(runs, this.ends);
  }

  render(runs: ShownRun[], terminal: Terminal): void {
    terminal.result(runs.length === 0 ? 'Nothing is to be gone on with.' : runs.map(runWords).join('\n'));
  }
}

/**
 * How a command ends that let runs go on, or followed one.
 * @param ends whether cancelling is what was asked for
 */
export async function runsEnded(runs: readonly Run[], ends = false): Promise<Outcome<ShownRun[]>> {
  const { combineExitCodes } = await import('@d3/sdk');
  const { exitOfRun, problemOfRun } = await import('../runs/exit.ts');
  const { shownRun } = await import('./run-text.ts');
  const isAsked = ({ cancel }: Run) => ends && cancel !== null;
  const errors = runs.flatMap((run) => {
    const problem = isAsked(run) ? null : problemOfRun(run);
    if (problem === null) return [];
    const text = `The run ${run.id} (${run.origin.name}) is ${run.state}${run.text && `: ${run.text}`}.`;
    return [new D3Error(problem.code, problem.exit, text, { target: run.id, actions: problem.actions })];
  });
  const exits = runs.map((run) => (isAsked(run) ? 0 : exitOfRun(run)));
  const [first] = runs;
  return {
    result: runs.map(shownRun),
    errors,
    exit: combineExitCodes(exits),
    ...(runs.length === 1 && first !== undefined ? { run: first.id } : {}),
  };
}
