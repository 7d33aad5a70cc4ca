import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { RunResult } from '../../deployment/run-here.ts';
import { watchedText } from '../../deployment/watched-text.ts';

export default class DeploymentResume extends DepotCommand<RunResult> {
  static override summary = 'Let a run of a deployment go on that holds, or that was cut.';
  static override description = 'It works on it here as d3 deployment run does: what is done is not done again.';
  static override examples = ['<%= config.bin %> deployment resume shop'];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    jobs: Flags.integer({
      helpValue: 'NUMBER',
      min: 1,
      max: 1000,
      default: 50,
      summary: 'Hosts that this process works on at the same time.',
    }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<RunResult>> {
    const { resumeHere } = await import('../../deployment/run-here.ts');
    const { args, flags } = context;
    return resumeHere(context, String(args['name']), Number(flags['jobs']));
  }

  text({ deployment, watched }: RunResult): string {
    return watched === null ? `${deployment}: nothing to do.` : watchedText(watched);
  }
}
