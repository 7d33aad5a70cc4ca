import { D3Error } from '@d3/sdk';
import { Args, Flags } from '@oclif/core';
import type { ContextOf } from '../../cli/base.ts';
import { runChangingFlags } from '../../cli/flags.ts';
import { RunDecision } from '../../cli/run-command.ts';
import type { RunPlace } from '../../cli/run-place.ts';
import type { Run } from '../../runs/types.ts';

export default class RunResume extends RunDecision<typeof RunResume> {
  static override summary = 'Go on with a run that holds, waits for a restart, or was cut.';
  static override description =
    'No completed step is repeated. A step that was begun, or at which it holds, is asked first whether it is done by now. With --all ' +
    'every run goes on that waits or was cut, one after the other: what holds is for a person, and runs that others advance are left ' +
    'alone. The schedule of d3 service install does that at every start of the machine.';
  static override examples = [
    '<%= config.bin %> run resume 20260131T080000Z-0a1b2c3d',
    '<%= config.bin %> run resume --all --no-input',
  ];
  static override flags = {
    ...runChangingFlags,
    all: Flags.boolean({ summary: 'Every run that waits or was cut.' }),
  };
  static override args = { id: Args.string({ name: 'id', description: 'The id of the run.' }) };

  protected override async decide(
    { args, flags, report }: ContextOf<typeof RunResume>,
    place: RunPlace,
  ): Promise<Run[]> {
    const { resumeRun } = await import('../../runs/decisions.ts');
    const { isHeld } = await import('../../runs/engine.ts');
    const goOn = async (id: string) => {
      await resumeRun(id, place.by, place.deciding);
      return place.advance(id);
    };
    if (args.id !== undefined && !flags.all) return [await goOn(args.id)];
    if (args.id !== undefined || !flags.all) {
      throw new D3Error('WHICH_RUN', 'usage', 'Either one run is gone on with, or all are.', {
        target: args.id === undefined ? 'ID' : '--all',
        actions: ['name it: d3 run resume ID', 'or give --all alone'],
      });
    }
    const runs: Run[] = [];
    for (const run of await place.open()) {
      if (run.state === 'holding' || isHeld(run, place.deciding)) continue;
      try {
        runs.push(await goOn(run.id));
      } catch (error) {
        // Somebody else took it up in between: then it goes on.
        if (!(error instanceof D3Error) || error.code !== 'RUN_HELD') throw error;
        report({ type: 'note', target: run.id, text: error.message });
      }
    }
    return runs;
  }
}
