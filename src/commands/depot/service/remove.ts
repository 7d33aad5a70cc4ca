import { ClientCommand, type ContextOf, type Outcome } from '../../../cli/base.ts';
import { changingFlags } from '../../../cli/flags.ts';
import type { ServiceChange } from '../../../client/service.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotServiceRemove extends ClientCommand<ServiceChange, typeof DepotServiceRemove> {
  static override summary = "Have this host renew the depot's signatures no more.";
  static override description = 'Takes away just what "depot service install" has laid down.';
  static override examples = ['<%= config.bin %> depot service remove'];
  static override helpSection = 'For admins';
  static override flags = { 'dry-run': changingFlags['dry-run'] };

  async execute(context: ContextOf<typeof DepotServiceRemove>): Promise<Outcome<ServiceChange>> {
    const { serviceHere } = await import('../../../cli/service-here.ts');
    const { removeDepotService } = await import('../../../admin/depot-service.ts');
    return { result: await removeDepotService(serviceHere(context.inputs), { dryRun: context.flags['dry-run'] }) };
  }

  render({ files, dryRun }: ServiceChange, terminal: Terminal): void {
    const gone = `The schedule ${dryRun ? 'would be' : 'is'} gone: ${files.join(', ')}`;
    terminal.result(files.length === 0 ? 'There is no schedule.' : gone);
  }
}
