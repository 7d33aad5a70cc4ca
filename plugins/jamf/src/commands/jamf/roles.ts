import { type CommandOutcome, PluginCommand } from '@d3/sdk/command';
import type { RoleNeeds } from '../../roles.ts';

export default class Roles extends PluginCommand<RoleNeeds[]> {
  static override summary = 'Say which privileges d3 needs in Jamf Pro.';
  static override description =
    'One API role for the depot, one for administrators and one for whoever sets computers up, each with the privileges its calls need and no more.';
  static override examples = ['<%= config.bin %> jamf roles', '<%= config.bin %> jamf roles --json'];

  async execute(): Promise<CommandOutcome<RoleNeeds[]>> {
    const { leastPrivileges } = await import('../../roles.ts');
    return { result: leastPrivileges() };
  }

  text(roles: RoleNeeds[]): string {
    return roles
      .map(({ role, privileges }) => [`${role}:`, ...privileges.map((one) => `  ${one}`)].join('\n'))
      .join('\n');
  }
}
