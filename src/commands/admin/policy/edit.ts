import { Args, Flags } from '@oclif/core';
import type { StoredPolicy } from '../../../admin/policies.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { policyChanges, policyFlags } from '../../../cli/policy-flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminPolicyEdit extends AdminCommand<StoredPolicy, typeof AdminPolicyEdit> {
  static override summary =
    'Change a policy; what is not said stays. Runs that are under way keep the steps they began with.';
  static override examples = [
    '<%= config.bin %>admin policy edit clean-up --events logout,login --frequency ongoing',
    '<%= config.bin %>admin policy edit prepare-lab --file lab.yaml',
  ];
  static override flags = {
    ...policyFlags,
    name: Flags.string({ helpValue: 'NAME', summary: 'Its new name.' }),
  };
  static override args = { policy: Args.string({ name: 'policy', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminPolicyEdit>): Promise<Outcome<StoredPolicy>> {
    const { editPolicy } = await import('../../../admin/policies.ts');
    const changes = { ...(await policyChanges(context.flags)), name: context.flags.name };
    const { policy, warnings } = await changingDepot(context, (session) =>
      editPolicy(context.args.policy, changes, session),
    );
    return { result: policy, warnings };
  }

  async render(policy: StoredPolicy, terminal: Terminal): Promise<void> {
    const { showPolicy } = await import('../../../cli/admin-policy-text.ts');
    showPolicy(policy, terminal);
  }
}
