import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import type { DeploymentBrief, HostTold } from '../../deployment/show.ts';
import { countsText, hostsText } from '../../deployment/words.ts';

const KINDS = ['discovered', 'registered', 'ssh', 'computer'];
const STATES = ['known', 'held', 'assigned', 'preparing', 'ready', 'configuring', 'verifying', 'released', 'failed'];

export default class DeploymentList extends DepotCommand<DeploymentBrief[] | HostTold[]> {
  static override summary = 'List the deployments, or all hosts that are known.';
  static override description =
    'With --hosts: discovered and registered hosts, those reached by SSH and computers of the depot in one list, with what is known of each ' +
    'and how far it is, in a deployment or not.';
  static override examples = [
    '<%= config.bin %> deployment list',
    '<%= config.bin %> deployment list --hosts --kind discovered --state held',
  ];
  static override flags = {
    hosts: Flags.boolean({ summary: 'All hosts that are known.' }),
    kind: Flags.string({ summary: 'Only hosts of this kind.', options: KINDS, dependsOn: ['hosts'] }),
    state: Flags.string({ summary: 'Only hosts in this state.', options: STATES, dependsOn: ['hosts'] }),
  };

  async execute({ depot, flags }: CommandContext): Promise<CommandOutcome<DeploymentBrief[] | HostTold[]>> {
    const { listDeployments, listHosts } = await import('../../deployment/show.ts');
    const { kind, state } = flags;
    if (flags['hosts'] !== true) {
      return { result: await depot('reads', (admin) => listDeployments({ admin, runs: admin.runs })) };
    }
    const hosts = await depot('reads', (admin) => listHosts({ admin, runs: admin.runs }));
    return {
      result: hosts.filter(
        (one) => (kind === undefined || one.kind === kind) && (state === undefined || one.state === state),
      ),
    };
  }

  text(listed: DeploymentBrief[] | HostTold[]): string {
    if (listed.some((one) => 'host' in one)) return hostsText(listed as HostTold[]);
    if (listed.length === 0) return 'There is none.';
    return (listed as DeploymentBrief[])
      .map(
        ({ name, blueprint, counts, run }) => `${name}  ${blueprint}  ${countsText(counts)}  ${run ?? 'not run yet'}`,
      )
      .join('\n');
  }
}
