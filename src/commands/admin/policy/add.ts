import { Args } from '@oclif/core';
import type { StoredPolicy } from '../../../admin/policies.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { policyChanges, policyFlags } from '../../../cli/policy-flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminPolicyAdd extends AdminCommand<StoredPolicy, typeof AdminPolicyAdd> {
  static override summary = 'Make a policy: steps that machines run by its name or at an event.';
  static override description =
    'Its steps come from a file, from --script and --install, or both. It is signed with the catalog, and its scripts are pinned by their ' +
    'content. Unless it is said otherwise it is for all computers and runs whenever it is asked for.';
  static override examples = [
    '<%= config.bin %>admin policy add clean-up --script ./clean-up --events logout --frequency daily',
    '<%= config.bin %>admin policy add prepare-lab --file lab.yaml --groups lab-macs',
  ];
  static override flags = { ...policyFlags };
  static override args = { name: Args.string({ name: 'name', description: 'Its name.', required: true }) };

  async execute(context: ContextOf<typeof AdminPolicyAdd>): Promise<Outcome<StoredPolicy>> {
    const { addPolicy } = await import('../../../admin/policies.ts');
    const changes = await policyChanges(context.flags);
    const { policy, warnings } = await changingDepot(context, (session) =>
      addPolicy(context.args.name, changes, session),
    );
    return { result: policy, warnings };
  }

  async render(policy: StoredPolicy, terminal: Terminal): Promise<void> {
    const { showPolicy } = await import('../../../cli/admin-policy-text.ts');
    showPolicy(policy, terminal);
  }
}
