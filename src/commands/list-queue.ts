import { ClientCommand, type CommandContext, type Outcome } from '../cli/base.ts';
import { moment } from '../cli/table-text.ts';
import type { QueuedRow } from '../client/lists.ts';
import type { Terminal } from '../terminal/terminal.ts';

export default class ListQueue extends ClientCommand<{ queue: QueuedRow[] }> {
  static override summary = 'List what waits for a restart.';
  static override description =
    'Packages that need a restart are queued, with their files. "install -p" or "sync -p" installs them, "dequeue" takes them off.';
  static override aliases = ['lq'];
  static override hiddenAliases = ['list-puppies'];
  static override examples = ['<%= config.bin %> list-queue', '<%= config.bin %> list-queue --json'];

  async execute(context: CommandContext<never, never>): Promise<Outcome<{ queue: QueuedRow[] }>> {
    const { machineHere } = await import('../cli/machine.ts');
    const { listQueue } = await import('../client/lists.ts');
    const { machine } = await machineHere(context);
    const kept = async () =>
      machine.depot === null ? null : await machine.depot.kept({ expired: true }).catch(() => null);
    return { result: { queue: await listQueue(machine.paths, kept) } };
  }

  render({ queue }: { queue: QueuedRow[] }, terminal: Terminal): void {
    const heading = 'Waiting for a restart on this machine';
    terminal.table({
      title: heading,
      columns: ['Edition', 'Status', 'Queued-at', 'By'],
      rows: queue.map(({ edition, status, queuedAt, admin }) => [edition, status ?? '-', moment(queuedAt), admin]),
      empty: `${heading}: nothing`,
    });
  }
}
