import { Args } from '@oclif/core';
import type { Mirror } from '../../../admin/mirrors.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { adminChangingFlags } from '../../../cli/flags.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotMirrorDelete extends AdminCommand<Mirror & { dryRun: boolean }, typeof DepotMirrorDelete> {
  static override summary = 'Send no machine to a mirror any more.';
  static override aliases = ['depot:mirror:remove'];
  static override examples = ['<%= config.bin %> depot mirror delete https://mirror.example.org/d3'];
  static override flags = { ...adminChangingFlags };
  static override args = {
    url: Args.string({ name: 'url', description: 'As it was added.', required: true }),
  };

  async execute(context: ContextOf<typeof DepotMirrorDelete>): Promise<Outcome<Mirror & { dryRun: boolean }>> {
    const { deleteMirror } = await import('../../../admin/mirrors.ts');
    const { url } = context.args;
    const { 'dry-run': dryRun } = context.flags;
    const mirror = await changingDepot(context, (session) => deleteMirror(url, session, { dryRun }));
    return { result: { ...mirror, dryRun } };
  }

  render({ url, dryRun }: Mirror & { dryRun: boolean }, terminal: Terminal): void {
    terminal.result(`${url} ${dryRun ? 'would be' : 'is'} no mirror any more.`);
  }
}
