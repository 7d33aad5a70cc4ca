import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import type { Waiting } from '../../../holds.ts';

export default class ProvisionHoldList extends DepotCommand<Waiting[]> {
  static override summary = 'List the machines that wait for somebody.';
  static override description = 'As they last reported, those that wait longest first.';
  static override examples = ['<%= config.bin %> provision hold list', '<%= config.bin %> provision hold list --json'];

  async execute({ depot }: CommandContext): Promise<CommandOutcome<Waiting[]>> {
    const { waitingMachines } = await import('../../../holds.ts');
    return { result: await depot('reads', (admin) => waitingMachines(admin)) };
  }

  text(machines: Waiting[]): string {
    if (machines.length === 0) return 'No machine waits.';
    return machines
      .map(({ name, serial, id, state, code, missing, since }) =>
        [serial ?? id, name, state, code, missing, since].filter((part) => part !== null).join('  '),
      )
      .join('\n');
  }
}
