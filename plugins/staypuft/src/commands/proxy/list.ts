import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';

type Row = {
  name: string;
  address: string | null;
  port: number;
  user: string;
  hostKeyMode: string;
  key: string | null;
  hosts: number;
};

export default class ProxyList extends DepotCommand<Row[]> {
  static override summary = 'List the ways into networks.';
  static override examples = ['<%= config.bin %> proxy list'];

  async execute({ depot }: CommandContext): Promise<CommandOutcome<Row[]>> {
    const { listProxies } = await import('../../proxy/store.ts');
    return { result: await depot('reads', listProxies) };
  }

  text(rows: Row[]): string {
    if (rows.length === 0) return 'There is no proxy. Make one: d3 proxy add NAME --address ADDRESS';
    return rows
      .map(({ name, address, port, user, hostKeyMode, hosts }) => {
        const where = address === null ? 'from here' : `${user}@${address} port ${port}`;
        return `${name}  ${where}  host keys ${hostKeyMode}  ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`;
      })
      .join('\n');
  }
}
