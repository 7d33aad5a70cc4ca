import type { Signature } from '@d3/flatpkg';
import { escapeLine } from '../terminal/text.ts';
import { fields } from './table-text.ts';

const MOST_ROWS = 200;

/** Rows of texts out of a package, each on a line of its own whatever it says: none may look like another row. */
export function packageFields(rows: readonly (readonly [string, string])[]): string {
  const shown = rows.slice(0, MOST_ROWS).map(([name, value]) => [name, escapeLine(value)] as const);
  const more = rows.length - shown.length;
  return fields(more === 0 ? shown : [...shown, ['And', `${more} more: see --json`]]);
}

/** Who signed a package, as rows for {@link packageFields}. */
export function signatureText(signature: Signature | null): [string, string][] {
  if (signature === null) return [['Signature', 'none']];
  const { kinds, subject, teamId, notarizationTicket, verified } = signature;
  const ticket: [string, string] = ['Notarization ticket', notarizationTicket ? 'stapled' : 'none'];
  if (kinds.length === 0) return [['Signature', 'none'], ticket];
  const who = `${kinds.join(' and ')}, by ${subject ?? 'an unreadable certificate'}`;
  return [['Signature', `${who} (${verified})`], ['Team', teamId ?? 'none named'], ticket];
}
