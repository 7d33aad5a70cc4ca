import { Args } from '@oclif/core';
import type { Mirror } from '../../../admin/mirrors.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotMirrorDelete extends AdminCommand<Mirror, typeof DepotMirrorDelete> {
  static override summary = 'Send no machine to a mirror any more.';
  static override examples = ['<%= config.bin %> depot mirror delete https://mirror.example.org/d3'];
  static override args = {
    url: Args.string({ name: 'url', description: 'As it was added.', required: true }),
  };

  async execute(context: ContextOf<typeof DepotMirrorDelete>): Promise<Outcome<Mirror>> {
    const { deleteMirror } = await import('../../../admin/mirrors.ts');
    const { url } = context.args;
    return { result: await changingDepot(context, (session) => deleteMirror(url, session)) };
  }

  render({ url }: Mirror, terminal: Terminal): void {
    terminal.result(`${url} is no mirror any more.`);
  }
}
