import { Args } from '@oclif/core';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Token } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminTokenRevoke extends AdminCommand<Token, typeof AdminTokenRevoke> {
  static override summary = 'Take a token back: it opens nothing from now on.';
  static override examples = ['<%= config.bin %>admin token revoke ci-build'];
  static override args = { name: Args.string({ name: 'name', description: 'Its name.', required: true }) };

  async execute(context: ContextOf<typeof AdminTokenRevoke>): Promise<Outcome<Token>> {
    const { revokeToken } = await import('../../../admin/tokens.ts');
    return { result: await changingDepot(context, (session) => revokeToken(context.args.name, session)) };
  }

  render({ name }: Token, terminal: Terminal): void {
    terminal.result(`The token of ${name} opens nothing any more.`);
  }
}
