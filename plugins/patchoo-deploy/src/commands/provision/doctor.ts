import { D3Error } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Check } from '../../doctor.ts';
import type { Needed } from '../../explain.ts';

/** What was looked at, or with --explain what has to be made. */
type Examined = Check[] | { needed: Needed[] };

export default class ProvisionDoctor extends DepotCommand<Examined> {
  static override summary = 'Check that machines can be deployed as the settings say.';
  static override description =
    'The settings by themselves; then whether the depot has the builds, the places and a policy for each event they name. Nothing is changed. --explain lists all that has to be made, with the commands that make it.';
  static override examples = [
    '<%= config.bin %> provision doctor',
    '<%= config.bin %> provision doctor --depot /srv/depot',
    '<%= config.bin %> provision doctor --explain',
  ];
  static override flags = {
    explain: Flags.boolean({ summary: 'List all that has to be made, whether it is there or not.' }),
  };

  async execute({ depot, flags }: CommandContext): Promise<CommandOutcome<Examined>> {
    if (flags['explain'] === true) {
      const { needed } = await import('../../explain.ts');
      const { writtenSettings } = await import('../../settings.ts');
      const all = await depot('reads', async (admin, { settings }) => needed(await writtenSettings(settings), admin));
      return { result: { needed: all } };
    }
    const { examine } = await import('../../doctor.ts');
    const checks = await depot('reads', (admin, ports) => examine(admin, ports));
    const errors = checks.flatMap(({ check, ok, says }) =>
      ok ? [] : [new D3Error('PROVISION_CHECK', 'failed', `${check}: ${says}`, { target: check })],
    );
    return { result: checks, errors };
  }

  text(said: Examined): string {
    if ('needed' in said) return said.needed.map(({ what, make, why }) => `${what}: ${why}\n  ${make}`).join('\n');
    return said.map(({ check, ok, says }) => `${ok ? 'ok' : 'no'}  ${check}: ${says}`).join('\n');
  }
}
