import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args, Flags } from '@oclif/core';
import type { DeploymentPlan } from '../../deployment/plan.ts';
import { planText } from '../../deployment/words.ts';

export default class DeploymentPlanCommand extends DepotCommand<DeploymentPlan> {
  static override summary = 'Show what a run of a deployment would do, host by host and step by step.';
  static override description =
    'It changes nothing, here or elsewhere. It also says what stands against a run: values that are missing, too few hosts, ' +
    'hosts that somebody changed in Foreman; the exit code is 30 then. Hosts that are released take no part unless --again.';
  static override examples = [
    '<%= config.bin %> deployment plan shop',
    '<%= config.bin %> deployment plan shop --role web --again --json',
  ];
  static override args = { name: Args.string({ description: 'The deployment.', required: true }) };
  static override flags = {
    role: Flags.string({ helpValue: 'ROLE', summary: 'Only hosts of this role; repeatable.', multiple: true }),
    limit: Flags.string({ helpValue: 'HOST', summary: 'Only this host; repeatable.', multiple: true }),
    again: Flags.boolean({ summary: 'Also hosts that are released.' }),
  };

  async execute({ depot, args, flags }: CommandContext): Promise<CommandOutcome<DeploymentPlan>> {
    const { planHere, refusalOf } = await import('../../deployment/plan.ts');
    const { portsOf } = await import('../../deployment/ports.ts');
    const chosen = {
      roles: (flags['role'] ?? []) as string[],
      hosts: (flags['limit'] ?? []) as string[],
      again: flags['again'] === true,
    };
    const { plan: result } = await depot('reads', async (admin, context) =>
      planHere(String(args['name']), chosen, await portsOf(admin, context)),
    );
    const refusal = refusalOf(result);
    return refusal === null ? { result } : { result, exit: refusal.exitCode, errors: refusal.errors };
  }

  text(plan: DeploymentPlan): string {
    return planText(plan);
  }
}
