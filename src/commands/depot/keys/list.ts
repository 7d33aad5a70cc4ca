import { Flags } from '@oclif/core';
import { readingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { keysFlag } from '../../../cli/flags.ts';
import { moment } from '../../../cli/table-text.ts';
import type { KeysView } from '../../../depot/index.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotKeysList extends AdminCommand<KeysView, typeof DepotKeysList> {
  static override summary = 'List whose keys sign what for this depot, and what waits for signatures.';
  static override examples = ['<%= config.bin %> depot keys list', '<%= config.bin %> depot keys list --public'];
  static override flags = {
    ...keysFlag,
    public: Flags.boolean({ summary: 'Show the whole public halves.' }),
  };
  #public = false;

  async execute(context: ContextOf<typeof DepotKeysList>): Promise<Outcome<KeysView>> {
    const { listKeys } = await import('../../../admin/keys.ts');
    this.#public = context.flags.public;
    return { result: await readingDepot(context, listKeys) };
  }

  async render({ root, roles, waiting }: KeysView, terminal: Terminal): Promise<void> {
    const { waitingWords } = await import('../../../admin/waiting.ts');
    terminal.table({
      title: `Signing keys, root version ${root}`,
      columns: ['Role', 'Needed', 'Key', 'Where', 'Expires'],
      rows: roles.flatMap(({ role, threshold, keys, expires }) =>
        keys.map(({ id, publicKey, where, atHand }, at) => [
          at === 0 ? role : '',
          at === 0 ? `${threshold} of ${keys.length}` : '',
          this.#public ? publicKey : id.slice(0, 8),
          where === null ? 'not here' : atHand ? where : `${where} (not here)`,
          at === 0 && expires !== null ? moment(expires) : '',
        ]),
      ),
      empty: 'Signing keys: none',
    });
    for (const draft of waiting) terminal.result(waitingWords(draft));
  }
}
