import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DecidedRun } from '../../deployment/decide.ts';
import { decidedText } from '../../deployment/watched-text.ts';

export default class DeploymentSkip extends DepotCommand<DecidedRun> {
  static override summary = 'Leave out a host of a deployment, or the step it failed on.';
  static override description =
    'A host that is left out stands in nobody’s way any more, and is not released. With --step only the step it failed on is left out, and it goes on. Both are kept with who said so and why.';
  static override examples = [
    '<%= config.bin %> deployment skip shop --host web1.example.org --reason "no disk"',
    '<%= config.bin %> deployment skip shop --host web1.example.org --step --reason "done by hand"',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    host: Flags.string({ helpValue: 'HOST', summary: 'The host.', required: true }),
    step: Flags.boolean({ summary: 'Only the step it failed on.' }),
    reason: Flags.string({ helpValue: 'WHY', summary: 'Why; it is kept.', required: true }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<DecidedRun>> {
    const { skipHost } = await import('../../deployment/decide.ts');
    const { decideHere } = await import('../../deployment/run-here.ts');
    const { args, flags } = context;
    const name = String(args['name']);
    const host = String(flags['host']);
    const step = flags['step'] === true;
    const why = String(flags['reason']);
    return decideHere(context, (ports) => skipHost(name, { host, step, why }, ports));
  }

  text(decided: DecidedRun): string {
    return decidedText(decided);
  }
}
