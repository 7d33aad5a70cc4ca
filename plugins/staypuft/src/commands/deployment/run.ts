import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { RunResult } from '../../deployment/run-here.ts';
import { watchedText } from '../../deployment/watched-text.ts';

export default class DeploymentRun extends DepotCommand<RunResult> {
  static override summary = 'Deploy the hosts of a deployment, role by role.';
  static override description =
    'First all hosts are prepared, then the roles have their turn as they wait for one another, then all are handed over to their agents. ' +
    'A host that fails stops the roles behind its own, not the hosts beside it: then the run holds until somebody retries, skips or ' +
    'cancels. Hosts that are released take no part unless --again. This process works on it, with whatever workers there are; when it ' +
    'is stopped or killed, nothing is lost: d3 deployment resume. ' +
    'Exit code 40: some hosts were left out or failed as their role allows. 44: it holds.';
  static override examples = [
    '<%= config.bin %> deployment run shop',
    '<%= config.bin %> deployment run shop --role web --limit web1.example.org',
    '<%= config.bin %> deployment run shop --detach',
    '<%= config.bin %> deployment run shop --dry-run',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    role: Flags.string({ helpValue: 'ROLE', summary: 'Only hosts of this role; repeatable.', multiple: true }),
    limit: Flags.string({ helpValue: 'HOST', summary: 'Only this host; repeatable.', multiple: true }),
    again: Flags.boolean({ summary: 'Also hosts that are released.' }),
    jobs: Flags.integer({
      helpValue: 'NUMBER',
      min: 1,
      max: 1000,
      default: 50,
      summary: 'Hosts that this process works on at the same time.',
    }),
    detach: Flags.boolean({ summary: 'Only begin it: workers do the work (d3 run worker).' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be done, and change nothing: as d3 deployment plan.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<RunResult>> {
    const { args, flags } = context;
    const { dryRunHere, runHere } = await import('../../deployment/run-here.ts');
    const name = String(args['name']);
    const chosen = {
      roles: (flags['role'] ?? []) as string[],
      hosts: (flags['limit'] ?? []) as string[],
      again: flags['again'] === true,
    };
    if (flags['dry-run'] === true) return dryRunHere(context, name, chosen);
    return runHere(context, name, chosen, { jobs: Number(flags['jobs']), detach: flags['detach'] === true });
  }

  text({ deployment, watched, plan, left }: RunResult): string {
    if (plan !== null) return plan;
    if (watched === null) return `${deployment}: nothing to do${left === 0 ? '' : ` (${left} left as they are)`}.`;
    return watchedText(watched);
  }
}
