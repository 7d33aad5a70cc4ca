import { type CommandContext, type CommandOutcome, MachineCommand } from '@d3/sdk/command';
import { Flags } from '@oclif/core';
import { type ReceiptsTaken, toldOfReceipts } from '../../receipts.ts';

export default class Receipts extends MachineCommand<ReceiptsTaken> {
  static override summary = 'Take over what Jamf Pro installed on this Mac: its receipts become d3’s.';
  static override description =
    'For each receipt of Jamf whose name is that of an edition’s file. Where several editions of a basename have one, the newest counts. ' +
    'What is on record here already stays. Which files a package has put here is found out by the next sync.';
  static override examples = ['<%= config.bin %> jamf receipts --dry-run', '<%= config.bin %> jamf import --receipts'];
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'Say what would be taken over; change nothing.' }),
  };

  async execute({ flags, ports }: CommandContext): Promise<CommandOutcome<ReceiptsTaken>> {
    const { takeReceipts } = await import('../../receipts.ts');
    return { result: await takeReceipts(await ports(), { dryRun: flags['dry-run'] === true }) };
  }

  text(result: ReceiptsTaken): string {
    return toldOfReceipts(result);
  }
}
