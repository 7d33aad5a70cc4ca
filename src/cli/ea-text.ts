import type { Ea } from '../admin/eas.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { fields, listed } from './table-text.ts';

/** An extension attribute, and its values as a table. */
export function showEaText({ id, name, type, choices, description, groups, values }: Ea, terminal: Terminal): void {
  terminal.result(
    fields([
      ['Name', name],
      ['Id', String(id)],
      ['Type', type === 'choice' ? `choice of ${listed(choices)}` : type],
      ['Description', description === '' ? 'none' : description],
      ['Groups', listed(groups)],
    ]),
  );
  terminal.table({
    title: 'Values',
    columns: ['Computer', 'Value', 'Id'],
    rows: values.map(({ computer, value, id: computerId }) => [computer, value, computerId]),
    empty: 'Values: none',
  });
}
