import { ClientCommand, type CommandContext, type Outcome } from '../../cli/base.ts';
import type { ServiceChange } from '../../client/service.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class ServiceRemove extends ClientCommand<ServiceChange> {
  static override summary = 'Have this machine sync by itself no more.';
  static override description = 'Takes away just what "service install" has laid down.';
  static override examples = ['<%= config.bin %> service remove'];

  async execute(context: CommandContext<never, never>): Promise<Outcome<ServiceChange>> {
    const { serviceHere } = await import('../../cli/service-here.ts');
    const { removeService } = await import('../../client/service.ts');
    return { result: await removeService(serviceHere(context.inputs)) };
  }

  render({ files }: ServiceChange, terminal: Terminal): void {
    terminal.result(files.length === 0 ? 'There is no schedule.' : `The schedule is gone: ${files.join(', ')}`);
  }
}
