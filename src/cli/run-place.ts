import type { Reporter } from '@d3/sdk';
import type { Deciding } from '../runs/decisions.ts';
import type { Run, RunStore } from '../runs/types.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { changingDepot, readingDepot } from './admin-here.ts';
import type { Inputs } from './inputs.ts';
import type { MachineInput } from './machine.ts';
import { optionalAdmin } from './optional-admin.ts';
import { PATIENCE } from './patience.ts';

/** Where runs are kept, and what can be done with them there: on this machine, or in the depot. */
export interface RunPlace {
  store: RunStore;
  deciding: Deciding;
  /** Who acts. */
  by: string;
  advance(id: string): Promise<Run>;
  /** Runs that are to go on, the oldest first. */
  open(): Promise<Run[]>;
}

interface PlaceInput extends MachineInput {
  flags: { 'of-depot': boolean; admin?: string | undefined; wait?: number | undefined; debug: boolean };
  inputs: Inputs;
  report: Reporter;
  signal: AbortSignal;
  terminal: Pick<Terminal, 'canAsk' | 'text'>;
}

/** @param changes whether something is to be changed: in a depot somebody must be named for that */
export async function withRuns<Result>(
  input: PlaceInput,
  changes: boolean,
  work: (place: RunPlace) => Promise<Result>,
): Promise<Result> {
  if (input.flags['of-depot']) {
    const { depotRuns } = await import('../admin/runs.ts');
    return (changes ? changingDepot : readingDepot)(input, async (session) => work(await depotRuns(session)));
  }
  const { machineHere } = await import('./machine.ts');
  const here = await machineHere(input);
  const { runsOf } = await import('./runs-here.ts');
  const { flags, inputs, report, signal } = input;
  const { wait = PATIENCE, debug } = flags;
  const { runs } = runsOf(here.machine, { debug, wait, parent: inputs.run, signal, report });
  try {
    return await work({
      store: runs.store,
      deciding: runs.deciding,
      by: changes ? optionalAdmin(flags.admin, here) : '',
      advance: (id) => runs.advance(id),
      open: () => runs.open(),
    });
  } finally {
    runs.close();
  }
}
