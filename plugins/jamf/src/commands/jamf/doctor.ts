import { type CommandContext, type CommandOutcome, PluginCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Check } from '../../doctor.ts';

export default class Doctor extends PluginCommand<Check[]> {
  static override summary = 'Check that Jamf Pro lets d3 in.';
  static override description =
    'Logs in as an API client and reads one package and one computer. Nothing is changed. The secret comes from a file only its owner reads.';
  static override examples = [
    '<%= config.bin %> jamf doctor --server https://example.jamfcloud.com --client-id 0a1b --secret-file /etc/d3/jamf-secret',
  ];
  static override flags = {
    server: Flags.string({ helpValue: 'URL', summary: 'Where Jamf Pro is.', required: true }),
    'client-id': Flags.string({ helpValue: 'ID', summary: 'The id of the API client.', required: true }),
    'secret-file': Flags.string({ helpValue: 'FILE', summary: 'The file its secret is in.', required: true }),
  };

  async execute({ flags, signal }: CommandContext): Promise<CommandOutcome<Check[]>> {
    const { clientOf, examine, serverAddress } = await import('../../doctor.ts');
    const { Connection } = await import('../../connector/connection.ts');
    const { systemClock } = await import('../../connector/clock.ts');
    const server = serverAddress(flags['server'] as string);
    const client = await clientOf(flags['client-id'] as string, flags['secret-file'] as string);
    const connection = new Connection({ server, credentials: async () => client, clock: systemClock(signal), signal });
    try {
      const { checks, errors } = await examine(connection);
      return { result: checks, errors };
    } finally {
      await connection.close();
    }
  }

  text(checks: Check[]): string {
    return checks.map(({ check, ok, says }) => `${ok ? 'ok' : 'no'}  ${check}: ${says}`).join('\n');
  }
}
