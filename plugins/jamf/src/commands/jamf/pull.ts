import { type CommandContext, type CommandOutcome, DepotCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { jamfFlags } from '../../flags.ts';
import type { Pulled } from '../../pull/result.ts';

export default class Pull extends DepotCommand<Pulled> {
  static override summary = 'Bring what Jamf Pro knows into the depot.';
  static override description =
    'Categories, departments, buildings, sites, extension attributes, scripts and groups of Jamf Pro become those of the depot, and what it says of ' +
    'computers is said of those that d3 knows by their serial number or hardware UUID. Renames are followed; what was changed here is not ' +
    'overwritten, and what is gone from Jamf Pro stays here: both are said. What d3 ea left in extension attributes counts as reports. ' +
    'Only computers with a new inventory are read, and all of them once in jamf.fullPullHours. On the depot’s own host only.';
  static override examples = [
    '<%= config.bin %> jamf pull',
    '<%= config.bin %> jamf pull --dry-run',
    '<%= config.bin %> jamf pull --full',
  ];
  static override flags = {
    ...jamfFlags,
    full: Flags.boolean({ summary: 'Read all computers, not only those with a new inventory.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would change; change nothing.' }),
  };

  async execute(context: CommandContext): Promise<CommandOutcome<Pulled>> {
    const { flags, depot, ui, signal, ask } = context;
    const [dryRun, full] = [flags['dry-run'] === true, flags['full'] === true];
    const { pull } = await import('../../pull/pull.ts');
    const { alone } = await import('../../alone.ts');
    const { withJamf } = await import('../../site.ts');
    const result = await depot('changes', async (admin, ports) => {
      const settings = await ports.settings.all();
      const work = async () =>
        withJamf(flags, ports, (connection) => pull({ connection, admin, settings, ui, signal, dryRun, full }), ask);
      return alone(await admin.room('jamf-pull'), work, 'pull');
    });
    const { warningsOf } = await import('../../pull/words.ts');
    return { result, warnings: warningsOf(result) };
  }

  text(pulled: Pulled): string {
    const { kinds, computers, reports, dryRun } = pulled;
    const lines = kinds.flatMap(({ kind, created, renamed, changed, adopted }) => [
      ...created.map((name) => `${kind} ${name}: ${dryRun ? 'would be made' : 'made'}`),
      ...renamed.map(({ from, to }) => `${kind} ${from}: called ${to} ${dryRun ? 'then' : 'now'}`),
      ...changed.map((name) => `${kind} ${name}: ${dryRun ? 'would change' : 'changed'}`),
      ...adopted.map((name) => `${kind} ${name}: was here, and is linked`),
    ]);
    const { read, linked, changed, unknown } = computers;
    const which = pulled.full ? 'all' : 'those with a new inventory';
    lines.push(
      `Computers: ${read} read (${which}), ${changed} changed, ${linked} known to d3, ${unknown.length} not yet.`,
    );
    if (reports.taken + reports.known > 0)
      lines.push(`Reports: ${reports.taken} ${dryRun ? 'would be taken' : 'taken'}, ${reports.known} known already.`);
    return lines.join('\n');
  }
}
