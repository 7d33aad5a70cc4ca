import type { Terminal } from '../terminal/terminal.ts';

/** What came of a deletion. */
export interface Deletion {
  name: string;
  done: boolean;
  /** What goes with it, in sentences. */
  details: string[];
}

/** Asks, unless it is answered already. @returns whether to go on */
export async function agreedToDelete(
  { name, details }: Pick<Deletion, 'name' | 'details'>,
  flags: { 'dry-run': boolean; 'auto-confirm': boolean },
  terminal: Terminal,
): Promise<boolean> {
  if (flags['dry-run']) return false;
  return flags['auto-confirm'] || terminal.confirm({ question: `Delete ${name}?`, details, flag: '-a' });
}

export function showDeletion({ name, done, details }: Deletion, terminal: Terminal): void {
  if (done) terminal.result(`${name} is deleted.`);
  else terminal.result([`Nothing was deleted. It would be ${name}.`, ...details.map((line) => `  ${line}`)].join('\n'));
}
