import type { AdminPort } from '@d3/sdk';
import { computerMeant } from './assign.ts';

/** A machine that waits, as its depot heard of it last. */
export type Waiting = {
  id: string;
  name: string;
  serial: string | null;
  state: string;
  code: string | null;
  since: string | null;
  missing: string | null;
  /** ISO 8601. */
  lastContact: string;
};

/** One of them, with all it said of itself. */
export type WaitingShown = Waiting & { said: Readonly<Record<string, string>> };

const WAITS = ['holding', 'failed-held', 'server-error'];

/** Machines that wait for somebody; those that wait longest first. */
export async function waitingMachines(admin: Pick<AdminPort, 'computers' | 'provisioning'>): Promise<Waiting[]> {
  const said = await admin.provisioning();
  return (await admin.computers())
    .map(({ id, name, claims, lastContact }) =>
      waiting({ id, name, serial: claims.serial, lastContact }, said[id] ?? {}),
    )
    .filter(({ state }) => WAITS.includes(state))
    .toSorted((a, b) => (a.since ?? a.lastContact).localeCompare(b.since ?? b.lastContact));
}

/** One machine, whatever its state is, with all it said. */
export async function waitingMachine(
  word: string,
  admin: Pick<AdminPort, 'computers' | 'provisioning'>,
): Promise<WaitingShown> {
  const { id, name, claims, lastContact } = computerMeant(word, await admin.computers());
  const said = (await admin.provisioning())[id] ?? {};
  return { ...waiting({ id, name, serial: claims.serial, lastContact }, said), said };
}

function waiting(
  computer: Pick<Waiting, 'id' | 'name' | 'serial' | 'lastContact'>,
  said: Readonly<Record<string, string>>,
): Waiting {
  const { state = 'unknown', code = null, since = null, missing = null } = said;
  return { ...computer, state, code, since, missing };
}
