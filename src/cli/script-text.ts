import type { ScriptUse, ShownScript } from '../admin/scripts.ts';
import { SLOT_NAMES } from '../catalog/slots.ts';
import { fields, listed, moment } from './table-text.ts';

export function scriptText({ script, usedBy }: ShownScript): string {
  const { id, name, body, changedAt, changedBy } = script;
  return fields([
    ['Name', name],
    ['Id', String(id)],
    ['Description', body.description === '' ? 'none' : body.description],
    ['Changed', `${moment(changedAt)} by ${changedBy}`],
    ['SHA-256', body.sha256],
    ['Used by', listed(usedBy.map(useText))],
  ]);
}

/** Where an edition runs a script, and whether as it is now. */
export function useText({ edition, status, slot, current }: ScriptUse): string {
  return `${edition} (${status}, ${SLOT_NAMES[slot]}${current ? '' : ', as it was before'})`;
}
