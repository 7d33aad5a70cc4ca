import type { Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Args } from '@oclif/core';

export default class ProvisionHoldShow extends DepotCommand {
  static override summary = 'Show what a machine said of its deployment.';
  static override examples = ['<%= config.bin %> provision hold show C02ABC123'];
  static override args = {
    computer: Args.string({ description: 'Its serial number, name or id.', required: true }),
  };

  async execute({ depot, args }: CommandContext): Promise<CommandOutcome<Json>> {
    const { waitingMachine } = await import('../../../holds.ts');
    const shown = await depot('reads', (admin) => waitingMachine(String(args['computer']), admin));
    return { result: shown as unknown as Json };
  }

  text(result: Json): string {
    const { name, serial, id, lastContact, said } = result as {
      name: string;
      serial: string | null;
      id: string;
      lastContact: string;
      said: Record<string, string>;
    };
    return [
      `${name} (${serial ?? id}), heard of at ${lastContact}`,
      ...Object.entries(said).map(([key, value]) => `  ${key}: ${value}`),
    ].join('\n');
  }
}
