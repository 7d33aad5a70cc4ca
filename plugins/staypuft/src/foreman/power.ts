import { D3Error } from '@d3/sdk';
import type { NamedHost } from '../types.ts';
import type { Foreman } from './client.ts';
import { locate } from './records.ts';
import { OutcomeUnknown } from './refusal.ts';
import { type ForemanContext, withForeman } from './site.ts';

const UNKNOWN = 'Foreman does not know it';
const NO_BOARD = 'Foreman knows no such interface of it';

/** Where a host has no board to be restarted by, in words; null: Foreman knows one. Reads only. */
export async function boardMissing(
  target: NamedHost,
  context: Pick<ForemanContext, 'settings' | 'signal'>,
): Promise<string | null> {
  if (target.host.foreman === null) return UNKNOWN;
  return withForeman(context, async (foreman) => {
    const located = await locate(foreman, target);
    // Which interfaces a machine has as a host shows once it is one.
    return located.kind === 'discovered' || (await hasBoard(foreman, located.record.id)) ? null : NO_BOARD;
  });
}

/**
 * Has the controller of a host's board switch it off and on again, by way of Foreman. Whether it came to that only shows at the host.
 * @throws D3Error refused `HOST_WITHOUT_BMC`; as Foreman refuses it
 */
export async function cyclePower(
  target: NamedHost,
  context: Pick<ForemanContext, 'settings' | 'signal'>,
): Promise<void> {
  const refused = (why: string) =>
    new D3Error('HOST_WITHOUT_BMC', 'refused', `${target.name} is not restarted by its board: ${why}.`, {
      target: target.name,
      actions: ['give it an interface of type BMC in Foreman', 'or restart it by its own system: reboot: true'],
    });
  if (target.host.foreman === null) throw refused(UNKNOWN);
  await withForeman(context, async (foreman) => {
    const located = await locate(foreman, target);
    if (located.kind === 'discovered') throw refused('it is not installed yet');
    if (!(await hasBoard(foreman, located.record.id))) throw refused(NO_BOARD);
    const params = { id: located.record.id };
    await foreman.call('power', { params, json: { power_action: 'cycle' } }).catch((error: unknown) => {
      // Doing it twice would cut its start: its boot id tells.
      if (!(error instanceof OutcomeUnknown)) throw error;
    });
  });
}

async function hasBoard(foreman: Foreman, id: number): Promise<boolean> {
  const { interfaces } = ((await foreman.call('host', { params: { id } })) ?? {}) as { interfaces?: unknown };
  const all = (Array.isArray(interfaces) ? interfaces : []) as { type?: unknown }[];
  return all.some(({ type }) => type === 'bmc');
}
