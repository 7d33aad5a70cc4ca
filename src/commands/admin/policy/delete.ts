import { Args } from '@oclif/core';
import type { StoredPolicy } from '../../../admin/policies.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { confirmingFlags } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

interface DeletedPolicy {
  policy: StoredPolicy;
  deleted: boolean;
}

export default class AdminPolicyDelete extends AdminCommand<DeletedPolicy, typeof AdminPolicyDelete> {
  static override summary = 'Delete a policy. Runs of it that are under way on machines go on.';
  static override examples = ['<%= config.bin %>admin policy delete clean-up -a'];
  static override flags = { ...confirmingFlags };
  static override args = { policy: Args.string({ name: 'policy', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminPolicyDelete>): Promise<Outcome<DeletedPolicy>> {
    const { deletePolicy, policyMeant } = await import('../../../admin/policies.ts');
    const { args, flags, terminal } = context;
    return changingDepot(context, async (session) => {
      const policy = await policyMeant(args.policy, session);
      const question = `Delete the policy ${policy.name}?`;
      const agreed =
        !flags['dry-run'] && (flags['auto-confirm'] || (await terminal.confirm({ question, details: [], flag: '-a' })));
      if (agreed) await deletePolicy(policy, session);
      return { result: { policy, deleted: agreed } };
    });
  }

  render({ policy, deleted }: DeletedPolicy, terminal: Terminal): void {
    terminal.result(
      deleted ? `The policy ${policy.name} is deleted.` : `Nothing was deleted. It would be the policy ${policy.name}.`,
    );
  }
}
