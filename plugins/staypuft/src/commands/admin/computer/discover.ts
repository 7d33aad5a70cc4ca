import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { Discovered } from '../../../foreman/discover.ts';
import { foremanFlags } from '../../../foreman/flags.ts';

const FATES = { new: 'new', changed: 'changed', known: 'known', left: 'left out' };

export default class ComputerDiscover extends DepotCommand<Discovered[]> {
  static override summary = 'Look which hosts there are to be deployed, and keep them.';
  static override description =
    'Without --from and --computers it asks Foreman: machines that booted a discovery image are discovered, what Foreman knows and does not ' +
    'manage is registered. What it is, its record says, never its name. A managed host that nothing holds is somebody’s system and is left ' +
    'out. What was found is kept as hosts of d3, by which deployments reach them; what people said of them there stays.';
  static override examples = [
    '<%= config.bin %>admin computer discover',
    '<%= config.bin %>admin computer discover --proxy dmz',
    '<%= config.bin %>admin computer discover --dry-run --json',
    '<%= config.bin %>admin computer discover --from inventory.yaml',
    '<%= config.bin %>admin computer discover --computers',
  ];
  static override flags = {
    ...foremanFlags,
    from: Flags.string({
      helpValue: 'FILE',
      summary: 'Take the hosts of an inventory, or what d3 client setup printed on them.',
      exclusive: ['computers'],
    }),
    computers: Flags.boolean({ summary: 'Take the computers of the depot.' }),
    proxy: Flags.string({
      helpValue: 'NAME',
      summary: 'The proxy that those are behind of which nobody said how they are reached.',
    }),
    'dry-run': Flags.boolean({ summary: 'Only show what there is.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Discovered[]>> {
    const { discoverHere } = await import('../../../foreman/here.ts');
    return discoverHere(context);
  }

  text(hosts: Discovered[]): string {
    if (hosts.length === 0) return 'There are none.';
    return hosts
      .map(({ name, kind, address, mac, fate, why }) => {
        const more = [kind, address, ...(mac === null ? [] : [mac])].join(', ');
        return `${name} (${more}): ${FATES[fate]}${why === null ? '' : `: ${why}`}`;
      })
      .join('\n');
  }
}
