import { D3Error } from '@d3/sdk';
import type { NamedHost } from '../types.ts';
import { locate } from './records.ts';
import { OutcomeUnknown } from './refusal.ts';
import { type ForemanContext, withForeman } from './site.ts';

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
  if (target.host.foreman === null) throw refused('Foreman does not know it');
  await withForeman(context, async (foreman) => {
    const located = await locate(foreman, target);
    if (located.kind === 'discovered') throw refused('it is not installed yet');
    const params = { id: located.record.id };
    const { interfaces } = ((await foreman.call('host', { params })) ?? {}) as { interfaces?: unknown };
    const all = (Array.isArray(interfaces) ? interfaces : []) as { type?: unknown }[];
    if (!all.some(({ type }) => type === 'bmc')) throw refused('Foreman knows no such interface of it');
    await foreman.call('power', { params, json: { power_action: 'cycle' } }).catch((error: unknown) => {
      // Doing it twice would cut its start: its boot id tells.
      if (!(error instanceof OutcomeUnknown)) throw error;
    });
  });
}
