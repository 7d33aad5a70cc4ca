import { ClientCommand, type CommandContext, type Outcome } from '../../cli/base.ts';
import { fields } from '../../cli/table-text.ts';
import type { ServiceStatus } from '../../client/service.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class ServiceShow extends ClientCommand<ServiceStatus> {
  static override summary = 'Show whether this machine syncs by itself, and how that went.';
  static override examples = ['<%= config.bin %> service status'];

  async execute(context: CommandContext<never, never>): Promise<Outcome<ServiceStatus>> {
    const { serviceHere } = await import('../../cli/service-here.ts');
    const { serviceStatus } = await import('../../client/service.ts');
    return { result: await serviceStatus(serviceHere(context.inputs)) };
  }

  render({ installed, active, next, lastSync, lastRun }: ServiceStatus, terminal: Terminal): void {
    const yes = (is: boolean | null) => (is === null ? 'cannot be told for this root' : is ? 'yes' : 'no');
    terminal.result(
      fields([
        ['Installed', yes(installed)],
        ['Active', yes(active)],
        ['Next', next ?? '-'],
        ['Last good sync', lastSync ?? 'never'],
        ['Last sync', lastRun === null ? 'none on record' : `${lastRun.at}, exit ${lastRun.exit}`],
      ]),
    );
  }
}
