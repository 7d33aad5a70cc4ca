import path from 'node:path';
import type { FileFound, PluginContext } from '@d3/sdk';

/** Where Jamf's program keeps a file for each package it installed, called as the package is. */
export const RECEIPTS = '/Library/Application Support/JAMF/Receipts';
const MAX_RECEIPT = 16 * 1024 * 1024;
const ADMIN = 'imported-from-jamf';

/** What became of Jamf's receipts; a type, so that it is JSON. */
export type ReceiptsTaken = {
  dryRun: boolean;
  taken: { file: string; edition: string }[];
  older: { file: string; edition: string; newest: string }[];
  kept: string[];
  unknown: string[];
};

/** Takes the receipts of Jamf on this machine over into d3's record. */
export async function takeReceipts(
  { files, receipts }: Pick<PluginContext, 'files' | 'receipts'>,
  { dryRun }: { dryRun: boolean },
): Promise<ReceiptsTaken> {
  const found: FileFound[] = [];
  for (const name of await files.list(RECEIPTS)) {
    // Its time is when the package was installed; of one that is too large to be read it stays unknown.
    const file = await files.read(path.posix.join(RECEIPTS, name), MAX_RECEIPT);
    if (!name.startsWith('.')) found.push({ name, at: file?.modifiedAt.toISOString() ?? null });
  }
  const { taken, older, kept, unknown } = await receipts.takeOver(found, { admin: ADMIN, dryRun });
  return { dryRun, taken: [...taken], older: [...older], kept: [...kept], unknown: [...unknown] };
}

export function toldOfReceipts({ dryRun, taken, older, kept, unknown }: ReceiptsTaken): string {
  const would = dryRun ? 'would be ' : '';
  const lines = [
    ...taken.map(({ file, edition }) => `${edition}: ${would}taken over, by Jamf’s receipt ${file}`),
    ...older.map(({ file, edition, newest }) => `${edition}: left out, ${newest} has a receipt of Jamf too (${file})`),
    ...kept.map((basename) => `${basename}: on record here already, left as it is`),
    ...(unknown.length === 0 ? [] : [`No edition has a file of these names: ${unknown.join(', ')}`]),
  ];
  return lines.length === 0 ? 'Jamf has no receipts here.' : lines.join('\n');
}
