import { Flags } from '@oclif/core';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { TOKEN_COLUMNS, tokenRow } from '../../../cli/token-text.ts';
import type { Token } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class AdminTokenList extends AdminCommand<Token[], typeof AdminTokenList> {
  static override summary = 'List who may use the depot over the network.';
  static override examples = ['<%= config.bin %>admin token list', '<%= config.bin %>admin token list --revoked'];
  static override flags = { revoked: Flags.boolean({ summary: 'Those that were revoked too.' }) };

  async execute(context: ContextOf<typeof AdminTokenList>): Promise<Outcome<Token[]>> {
    const { listTokens } = await import('../../../admin/tokens.ts');
    return { result: await readingDepot(context, (session) => listTokens(context.flags.revoked, session)) };
  }

  render(tokens: Token[], terminal: Terminal): void {
    terminal.table({ title: 'Tokens', columns: TOKEN_COLUMNS, rows: tokens.map(tokenRow), empty: 'Tokens: none' });
  }
}
