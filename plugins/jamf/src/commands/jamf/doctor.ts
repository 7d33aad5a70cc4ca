import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { ROLES, type Role } from '../../connector/calls.ts';
import type { Check } from '../../doctor.ts';
import { jamfFlags } from '../../flags.ts';

export default class Doctor extends MachineCommand<Check[]> {
  static override summary = 'Check that Jamf Pro lets d3 in.';
  static override description =
    'Logs in and makes each call once that only reads, of one of the roles that d3 jamf roles prints. It says which version of a call the ' +
    'server has, which privileges are missing, whether the clocks agree, whether files can be uploaded, and whether the extension ' +
    'attributes in the settings are there. Nothing is changed, so what a role writes is not tried. The secret comes from a file only ' +
    'its owner reads.';
  static override examples = [
    '<%= config.bin %> jamf doctor --server https://example.jamfcloud.com --client-id 0a1b --secret-file /etc/d3/jamf-secret',
    '<%= config.bin %> jamf doctor --role admin --user jane',
  ];
  static override flags = {
    ...jamfFlags,
    role: Flags.option({ options: ROLES, default: 'server' as const })({
      helpValue: ROLES.join('|'),
      summary: 'Whose calls to try.',
    }),
  };

  async execute({ flags, ports, ask }: CommandContext): Promise<CommandOutcome<Check[]>> {
    const { configuredAttributes, examine } = await import('../../doctor.ts');
    const { withJamf } = await import('../../site.ts');
    const context = await ports();
    const attributes = configuredAttributes(await context.settings.all());
    const { checks, errors } = await withJamf(
      flags,
      context,
      async (connection) => examine(connection, flags['role'] as Role, attributes),
      ask,
    );
    return { result: checks, errors };
  }

  text(checks: Check[]): string {
    return checks
      .map(({ check, ok, says, path, lacks }) => {
        const where = path === null ? '' : ` (${path})`;
        const needs = lacks.length === 0 ? '' : `; it needs ${lacks.join(', ')}`;
        return `${ok ? 'ok' : 'no'}  ${check}: ${says}${needs}${where}`;
      })
      .join('\n');
  }
}
