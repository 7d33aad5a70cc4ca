import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import type { Check } from '../../doctor.ts';
import { jamfFlags } from '../../flags.ts';

export default class Doctor extends MachineCommand<Check[]> {
  static override summary = 'Check that Jamf Pro lets d3 in.';
  static override description =
    'Logs in as an API client and reads one package and one computer. Nothing is changed. The secret comes from a file only its owner reads.';
  static override examples = [
    '<%= config.bin %> jamf doctor --server https://example.jamfcloud.com --client-id 0a1b --secret-file /etc/d3/jamf-secret',
  ];
  static override flags = jamfFlags;

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<Check[]>> {
    const { examine } = await import('../../doctor.ts');
    const { withJamf } = await import('../../site.ts');
    const { checks, errors } = await withJamf(flags, await ports(), examine);
    return { result: checks, errors };
  }

  text(checks: Check[]): string {
    return checks.map(({ check, ok, says }) => `${ok ? 'ok' : 'no'}  ${check}: ${says}`).join('\n');
  }
}
