import { ClientCommand, type CommandContext, type Outcome } from '../../cli/base.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export default class ServiceProfile extends ClientCommand<{ profile: string }> {
  static override summary = 'Print the profile for macOS that an admin deploys with d3.';
  static override description =
    "It keeps d3's daemon switched on where users can switch background items off, and lets its Node reach what it installs.";
  static override examples = ['<%= config.bin %> service profile > d3.mobileconfig'];

  async execute(_context: CommandContext<never, never>): Promise<Outcome<{ profile: string }>> {
    const { profile } = await import('../../client/service-units.ts');
    return { result: { profile: profile(process.execPath) } };
  }

  render({ profile }: { profile: string }, terminal: Terminal): void {
    terminal.result(profile.trimEnd());
  }
}
