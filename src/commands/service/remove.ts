import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import type { ServiceChange } from '../../client/service.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class ServiceRemove extends ClientCommand<ServiceChange, typeof ServiceRemove> {
  static override summary = 'Have this machine sync by itself no more.';
  static override description = 'Takes away just what "service install" has laid down.';
  static override examples = ['<%= config.bin %> service remove'];
  static override flags = { 'dry-run': changingFlags['dry-run'] };

  async execute(context: ContextOf<typeof ServiceRemove>): Promise<Outcome<ServiceChange>> {
    const { serviceHere } = await import('../../cli/service-here.ts');
    const { removeService } = await import('../../client/service.ts');
    const { 'dry-run': dryRun } = context.flags;
    return { result: await removeService(serviceHere(context.inputs), { dryRun }) };
  }

  render({ files, dryRun }: ServiceChange, terminal: Terminal): void {
    const gone = `The schedule ${dryRun ? 'would be' : 'is'} gone: ${files.join(', ')}`;
    terminal.result(files.length === 0 ? 'There is no schedule.' : gone);
  }
}
