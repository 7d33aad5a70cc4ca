import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import type { UsageRow } from '../report.ts';
import { table } from '../table.ts';

export default class Usage extends MachineCommand<UsageRow[]> {
  static override summary = 'Show when what is installed here was last used, and what expires when.';
  static override description =
    'Lists what can expire, and what says by a path how its use is seen. Users can only read their own usage, so run it as root.';
  static override examples = ['<%= config.bin %> usage', '<%= config.bin %> usage --json'];

  async execute(command: CommandContext): Promise<CommandOutcome<UsageRow[]>> {
    const { usageHere } = await import('../report.ts');
    const context = await command.ports();
    const receipts = await context.receipts.list();
    const at = context.clock.now().toISOString();
    return { result: await usageHere(receipts, at, { ...context, platform: process.platform }) };
  }

  text(rows: UsageRow[]): string {
    if (rows.length === 0) return 'Nothing that is installed here can expire.';
    return table(
      ['Basename', 'Edition', 'Last used', 'Unused', 'May be', 'What becomes of it'],
      rows.map((row) => [row.basename, row.edition, lastUse(row), unused(row), allowed(row), fate(row)]),
    );
  }
}

function lastUse({ running, lastUsed, daysUnused }: UsageRow): string {
  if (running === true) return 'now';
  if (lastUsed !== null) return lastUsed.slice(0, 10);
  return daysUnused === null ? 'unknown' : 'not since its install';
}

function unused({ running, daysUnused }: UsageRow): string {
  if (running === true) return '';
  return daysUnused === null ? '' : inDays(daysUnused);
}

function allowed({ expiration }: UsageRow): string {
  return expiration === 0 ? '' : inDays(expiration);
}

function fate({ verdict, days, reason }: UsageRow): string {
  if (verdict === 'never') return 'kept: it has no expiration';
  const words = { keep: 'kept', expire: 'removed by the next sync', warn: `removed in ${inDays(days ?? 0)}` };
  return `${words[verdict]}: ${reason}`;
}

function inDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}
