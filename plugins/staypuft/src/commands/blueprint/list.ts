import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import type { BlueprintBrief } from '../../deployment/blueprints.ts';

export default class BlueprintList extends DepotCommand<BlueprintBrief[]> {
  static override summary = 'List the blueprints.';
  static override description = 'Each with its roles in their order; those that run together stand together.';
  static override examples = ['<%= config.bin %> blueprint list', '<%= config.bin %> blueprint list --json'];

  async execute({ depot }: CommandContext): Promise<CommandOutcome<BlueprintBrief[]>> {
    const { listBlueprints } = await import('../../deployment/blueprints.ts');
    return { result: await depot('reads', (admin) => listBlueprints(admin)) };
  }

  text(blueprints: BlueprintBrief[]): string {
    if (blueprints.length === 0) return 'There is no blueprint.';
    return blueprints
      .map(({ name, order, deployments, problems }) => {
        const roles = problems > 0 ? `${problems} problems` : order.map((level) => level.join(' + ')).join(' → ');
        const used = deployments.length === 0 ? 'not used' : `used by ${deployments.join(', ')}`;
        return [name, roles, used].join('  ');
      })
      .join('\n');
  }
}
