import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { SimulatedLine } from '../../simulate.ts';
import { SIMULATED_PATHS, type SimulatedPath } from '../../simulated-paths.ts';

export default class ProvisionSimulate extends MachineCommand<SimulatedLine[]> {
  static override summary = 'Show a whole deployment, in a folder that is gone afterwards.';
  static override description =
    'A depot, served on this host alone, and new machines, the real commands and real runs; only the restarts are told. Nothing of this ' +
    'machine or its depot is touched. First one that is asked, then one that holds; --path shows the other ways a machine comes.';
  static override examples = [
    '<%= config.bin %> provision simulate',
    '<%= config.bin %> provision simulate --path re-deploy',
  ];
  static override flags = {
    path: Flags.string({
      options: [...SIMULATED_PATHS],
      default: 'walk',
      summary: 'How the machine comes to be deployed.',
    }),
  };

  async execute({ flags, exec, signal, ui, program }: CommandContext): Promise<CommandOutcome<SimulatedLine[]>> {
    const { simulate } = await import('../../simulate.ts');
    const lines = await simulate(program, flags['path'] as SimulatedPath, { exec, signal }, ({ kind, text }) => {
      if (kind !== 'said') ui({ type: 'note', target: null, text: kind === 'command' ? `d3 ${text.slice(3)}` : text });
    });
    return { result: lines };
  }

  text(lines: SimulatedLine[]): string {
    const mark = { told: '\n# ', command: '$ ', said: '  ' } as const;
    return lines
      .map(({ kind, text }) => `${mark[kind]}${text}`)
      .join('\n')
      .trimStart();
  }
}
