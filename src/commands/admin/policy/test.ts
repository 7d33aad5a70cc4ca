import { Args } from '@oclif/core';
import type { PolicyTest } from '../../../admin/policies.ts';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminPolicyTest extends AdminCommand<PolicyTest, typeof AdminPolicyTest> {
  static override summary =
    'Say whether a policy is for a computer and what its steps would meet there, as last reported.';
  static override description =
    'Nothing is run. How often a policy was done is known on the computer alone: d3 policy NAME --dry-run there tells that too.';
  static override examples = ['<%= config.bin %>admin policy test clean-up mac-a'];
  static override args = {
    policy: Args.string({ name: 'policy', description: 'Its name or id.', required: true }),
    computer: Args.string({ name: 'computer', description: 'The name or id of a computer.', required: true }),
  };

  async execute(context: ContextOf<typeof AdminPolicyTest>): Promise<Outcome<PolicyTest>> {
    const { testPolicy } = await import('../../../admin/policies.ts');
    const { policy, computer } = context.args;
    return { result: await readingDepot(context, (session) => testPolicy(policy, computer, session)) };
  }

  async render(test: PolicyTest, terminal: Terminal): Promise<void> {
    const { showTest } = await import('../../../cli/admin-policy-text.ts');
    showTest(test, terminal);
  }
}
