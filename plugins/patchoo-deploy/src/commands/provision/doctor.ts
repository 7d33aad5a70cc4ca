import { D3Error, type Json } from '@d3/sdk';
import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import type { Check } from '../../doctor.ts';

export default class ProvisionDoctor extends DepotCommand {
  static override summary = 'Check that machines can be deployed as the settings say.';
  static override description =
    'The settings by themselves; then whether the depot has the builds, the places and a policy for each event they name. Nothing is changed.';
  static override examples = [
    '<%= config.bin %> provision doctor',
    '<%= config.bin %> provision doctor --depot /srv/depot',
  ];

  async execute({ depot }: CommandContext): Promise<CommandOutcome<Json>> {
    const { examine } = await import('../../doctor.ts');
    const checks = await depot('reads', (admin, ports) => examine(admin, ports));
    const errors = checks.flatMap(({ check, ok, says }) =>
      ok ? [] : [new D3Error('PROVISION_CHECK', 'failed', `${check}: ${says}`, { target: check })],
    );
    return { result: checks as unknown as Json, errors };
  }

  text(result: Json): string {
    const checks = result as unknown as Check[];
    return checks.map(({ check, ok, says }) => `${ok ? 'ok' : 'no'}  ${check}: ${says}`).join('\n');
  }
}
