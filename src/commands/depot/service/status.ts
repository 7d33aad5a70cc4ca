import { ClientCommand, type CommandContext, type Outcome } from '../../../cli/base.ts';
import { fields } from '../../../cli/table-text.ts';
import type { StandingSchedule } from '../../../platform/schedules.ts';
import type { Terminal } from '../../../terminal/terminal.ts';

export default class DepotServiceStatus extends ClientCommand<StandingSchedule> {
  static override summary = "Show whether this host renews the depot's signatures by itself.";
  static override examples = ['<%= config.bin %> depot service status'];
  static override helpSection = 'For admins';

  async execute(context: CommandContext<never, never>): Promise<Outcome<StandingSchedule>> {
    const { serviceHere } = await import('../../../cli/service-here.ts');
    const { depotServiceStatus } = await import('../../../admin/depot-service.ts');
    return { result: await depotServiceStatus(serviceHere(context.inputs)) };
  }

  render({ installed, active, next }: StandingSchedule, terminal: Terminal): void {
    const yes = (is: boolean | null) => (is === null ? 'cannot be told for this root' : is ? 'yes' : 'no');
    terminal.result(
      fields([
        ['Installed', yes(installed)],
        ['Active', yes(active)],
        ['Next', next ?? '-'],
      ]),
    );
  }
}
