import { Args, Flags } from '@oclif/core';
import type { Mirror } from '../../../admin/mirrors.ts';
import { changingDepot } from '../../../cli/admin-here.ts';
import { AdminCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { adminChangingFlags, wholeNumber } from '../../../cli/flags.ts';
import { listed } from '../../../cli/table-text.ts';
import { commaList } from '../../../cli/words.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotMirrorAdd extends AdminCommand<Mirror & { dryRun: boolean }, typeof DepotMirrorAdd> {
  static override summary = 'Tell machines of another place that has the package files.';
  static override description =
    'A machine asks the mirrors meant for its addresses first, the lowest priority number before the others, and the depot itself ' +
    'last. A mirror has the same blobs/ as the depot; what it gives is checked against the catalog. Adding one again changes it.';
  static override examples = [
    '<%= config.bin %> depot mirror add https://mirror.example.org/d3 --network 10.1.0.0/16,2001:db8:1::/48',
  ];
  static override flags = {
    ...adminChangingFlags,
    network: Flags.string({
      helpValue: 'LIST',
      summary: 'Address ranges (CIDR) whose machines use it; without any, all do.',
      default: '',
    }),
    priority: wholeNumber({ helpValue: 'NUMBER', summary: 'The lowest is tried first.', default: 10 }),
  };
  static override args = {
    url: Args.string({ name: 'url', description: 'Its http(s) address, or an absolute path.', required: true }),
  };

  async execute(context: ContextOf<typeof DepotMirrorAdd>): Promise<Outcome<Mirror & { dryRun: boolean }>> {
    const { addMirror } = await import('../../../admin/mirrors.ts');
    const { network, priority } = context.flags;
    const { url } = context.args;
    const networks = commaList(network);
    const { 'dry-run': dryRun } = context.flags;
    const mirror = await changingDepot(context, (session) => addMirror(url, networks, priority, session, { dryRun }));
    return { result: { ...mirror, dryRun } };
  }

  render({ url, networks, dryRun }: Mirror & { dryRun: boolean }, terminal: Terminal): void {
    terminal.result(
      `Machines ${dryRun ? 'would ask' : 'ask'} ${url} first: ${networks.length === 0 ? 'all of them' : listed(networks)}.`,
    );
  }
}
