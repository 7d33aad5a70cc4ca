import { Args } from '@oclif/core';
import type { StoredPolicy } from '../../../admin/policies.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminPolicyShow extends AdminCommand<StoredPolicy, typeof AdminPolicyShow> {
  static override summary = 'Show a policy: what sets it off, for whom it is, and its steps.';
  static override examples = ['<%= config.bin %>admin policy show clean-up'];
  static override args = { policy: Args.string({ name: 'policy', description: 'Its name or id.', required: true }) };

  async execute(context: ContextOf<typeof AdminPolicyShow>): Promise<Outcome<StoredPolicy>> {
    const { policyMeant } = await import('../../../admin/policies.ts');
    return { result: await readingDepot(context, (session) => policyMeant(context.args.policy, session)) };
  }

  async render(policy: StoredPolicy, terminal: Terminal): Promise<void> {
    const { showPolicy } = await import('../../../cli/admin-policy-text.ts');
    showPolicy(policy, terminal);
  }
}
