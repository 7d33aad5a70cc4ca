import { misfit } from '../catalog/limits.ts';
import type { Edition } from '../catalog/types.ts';
import { Fleet } from '../depot/index.ts';
import type { AdminSession } from './session.ts';

/** What an edition's going live comes to on the machines, as their last reports have them. Machines that never reported are not known. */
export interface Affected {
  /** Machines that have reported. */
  reported: number;
  /** Go up to it from an older edition. */
  update: number;
  /** Go back to it from a newer edition. */
  rollBack: number;
  /** Get it by themselves, through its auto groups. */
  install: number;
  /** Have it as a pilot already: only the record changes. */
  enliven: number;
  /** Stay as they are: frozen, or piloting another edition. */
  stay: number;
  /** Would go, but are for another system or processor, or excluded. */
  cannot: number;
}

/** How many machines will change when an edition goes live. */
export async function affectedBy(edition: Edition, session: AdminSession): Promise<Affected> {
  const { store } = session.depot;
  const named = [...edition.autoGroups, ...edition.excludedGroups];
  const groups = (await store.documents('group').list()).filter(({ id }) => named.includes(id));
  const fleet = await (await Fleet.of(session)).reading(groups.map(({ body }) => body));
  const installed = await store.computers.installed({ basenames: [edition.basename], limit: Number.MAX_SAFE_INTEGER });
  const receipts = new Map(installed.map((receipt) => [receipt.computer.id, receipt]));
  const found: Affected = { reported: 0, update: 0, rollBack: 0, install: 0, enliven: 0, stay: 0, cannot: 0 };
  const members = (ids: Edition['autoGroups']) =>
    new Set(groups.filter(({ id }) => ids.includes(id)).flatMap(({ body }) => fleet.members(body)));
  const [auto, excluded] = [members(edition.autoGroups), members(edition.excludedGroups)];
  for (const { id, os, cpu } of fleet.computers) {
    found.reported += 1;
    const receipt = receipts.get(id);
    const wanted = edition.autoGroups.includes('standard') || auto.has(id);
    if (receipt === undefined && !wanted) continue;
    if (receipt?.id === edition.id) {
      if (receipt.piloting) found.enliven += 1;
    } else if (receipt !== undefined && (receipt.frozen || receipt.piloting)) found.stay += 1;
    else if (excluded.has(id) || misfit(edition, os, cpu) !== null) found.cannot += 1;
    else if (receipt === undefined) found.install += 1;
    else if (receipt.id < edition.id) found.update += 1;
    else found.rollBack += 1;
  }
  return found;
}

/** In a line for whoever has to agree. */
export function affectedWords({ reported, update, rollBack, install, enliven, stay, cannot }: Affected): string {
  if (reported === 0) return 'No machine has reported yet: how many will change is not known.';
  const parts = [
    [update, 'update to it'],
    [rollBack, 'go back to it'],
    [install, 'install it'],
    [enliven, 'have it as a pilot already'],
    [stay, 'are frozen or pilot another edition and stay'],
    [cannot, 'cannot have it'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const will = update + rollBack + install;
  return `${will} of ${reported} machines that have reported will change${said.length === 0 ? '' : `: ${said.join(', ')}`}.`;
}
