import { Args } from '@oclif/core';
import { ClientCommand, type ContextOf, type Outcome } from '../../cli/base.ts';
import { changingFlags } from '../../cli/flags.ts';
import type { TakenOver } from '../../client/take-over.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** Seconds to wait for another run to end, unless it is said. */
const PATIENCE = 600;

export default class MigrateReceipts extends ClientCommand<TakenOver, typeof MigrateReceipts> {
  static override summary = 'Take over what d3 3 had on record: receipts.yaml, or d3-pending-puppies.yaml.';
  static override description =
    'The file is read as plain data. What is on record here already stays. Which files a package has put here is found out by the next ' +
    'sync, for what is in the depot and whole on the disk; until then uninstall has no files to remove.';
  static override examples = [
    "<%= config.bin %> migrate receipts '/Library/Application Support/d3/receipts.yaml' --dry-run",
  ];
  static override flags = { ...changingFlags };
  static override args = { file: Args.string({ name: 'file', description: 'The file.', required: true }) };

  async execute(context: ContextOf<typeof MigrateReceipts>): Promise<Outcome<TakenOver>> {
    const { machineHere } = await import('../../cli/machine.ts');
    const { takeOver } = await import('../../client/take-over.ts');
    const { machine } = await machineHere(context);
    const { signal, report, flags } = context;
    const { notes, ...result } = await takeOver(machine, {
      file: context.args.file,
      dryRun: flags['dry-run'],
      wait: flags.wait ?? PATIENCE,
      signal,
      report,
    });
    return { result, warnings: notes };
  }

  render({ dryRun, receipts, queued, kept }: TakenOver, terminal: Terminal): void {
    const would = dryRun ? 'would be ' : '';
    const lines = [
      ...receipts.map((edition) => `${edition}: ${would}taken over`),
      ...queued.map((edition) => `${edition}: ${would}queued for a restart`),
      ...kept.map((basename) => `${basename}: on record here already, left as it is`),
    ];
    terminal.result(lines.length === 0 ? 'Nothing to take over.' : lines.join('\n'));
  }
}
