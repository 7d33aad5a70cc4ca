import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import type { Watched } from '../../deployment/watch.ts';
import { watchedText } from '../../deployment/watched-text.ts';

export default class DeploymentWatch extends DepotCommand<Watched> {
  static override summary = 'Follow a run of a deployment, from any terminal.';
  static override description =
    'It only looks. With --json each thing that happens is a line of JSON, and the envelope is the last one. It ends when the run is over ' +
    'or holds, and with 41 where nobody works on it any more.';
  static override examples = [
    '<%= config.bin %> deployment watch shop',
    '<%= config.bin %> deployment watch shop --json',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override endsBySignal = true;

  async execute(context: CommandContext): Promise<CommandOutcome<Watched>> {
    const { exitOf, pauseOf, runPorts } = await import('../../deployment/run-here.ts');
    const { follow } = await import('../../deployment/watch.ts');
    const { lastRun } = await import('../../deployment/run.ts');
    const { depot, args, signal } = context;
    return depot('reads', async (admin, ports) => {
      const watching = await runPorts(admin, ports);
      const { name, run } = await lastRun(String(args['name']), watching);
      const watched = await follow(name, run.id, { ports: watching, follow: context.follow, pause: pauseOf(signal) });
      return { result: watched, exit: exitOf(watched) };
    });
  }

  text(watched: Watched): string {
    return watchedText(watched);
  }
}
