import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';
import type { WaitingShown } from '../../../holds.ts';

export default class ProvisionHoldShow extends DepotCommand<WaitingShown> {
  static override summary = 'Show what a machine said of its deployment.';
  static override examples = ['<%= config.bin %> provision hold show C02ABC123'];
  static override args = {
    computer: Args.string({ description: 'Its serial number, name or id.', required: true }),
  };

  async execute({ depot, args }: CommandContext): Promise<CommandOutcome<WaitingShown>> {
    const { waitingMachine } = await import('../../../holds.ts');
    return { result: await depot('reads', (admin) => waitingMachine(String(args['computer']), admin)) };
  }

  text({ name, serial, id, lastContact, said }: WaitingShown): string {
    return [
      `${name} (${serial ?? id}), heard of at ${lastContact}`,
      ...Object.entries(said).map(([key, value]) => `  ${key}: ${value}`),
    ].join('\n');
  }
}
