import { D3Error } from '@d3/sdk';
import type { Foreman } from './client.ts';
import { type HostRecord, readHost } from './records.ts';
import { OutcomeUnknown } from './refusal.ts';

/** What of a host's record is to be so; what is left out stays as it is. */
export interface Wanted {
  hostgroupId?: number | null;
  environmentId?: number | null;
  build?: boolean;
}

const WRITES = 2;

/**
 * Brings a host's record to be as it is wanted. It is read before and after: with a hostgroup Foreman may change what else was asked for,
 * and where nobody knows whether it was done, it is seen.
 * @returns whether anything was written
 * @throws D3Error refused `FOREMAN_NOT_TAKEN` where Foreman agreed and did not do it
 */
export async function changeRecord(foreman: Foreman, id: number, wanted: Wanted): Promise<boolean> {
  for (let written = 0; ; written += 1) {
    const seen = await readHost(foreman, id);
    const left = difference(seen, wanted);
    if (Object.keys(left).length === 0) return written > 0;
    if (written === WRITES) throw notTaken(seen, left);
    try {
      await foreman.call('changeHost', { params: { id }, json: { host: fieldsOf(left) } });
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || written + 1 === WRITES) throw error;
    }
  }
}

function difference(seen: HostRecord, wanted: Wanted): Wanted {
  return Object.fromEntries(
    Object.entries(wanted).filter(([field, value]) => seen[field as keyof Wanted] !== value),
  ) as Wanted;
}

function fieldsOf({ hostgroupId, environmentId, build }: Wanted): object {
  return {
    ...(hostgroupId === undefined ? {} : { hostgroup_id: hostgroupId }),
    ...(environmentId === undefined ? {} : { puppet_attributes: { environment_id: environmentId } }),
    ...(build === undefined ? {} : { build }),
  };
}

function notTaken({ name }: HostRecord, left: Wanted): D3Error {
  const fields = Object.entries(left).map(([field, value]) => `${field} is not ${String(value)}`);
  return new D3Error(
    'FOREMAN_NOT_TAKEN',
    'refused',
    `Foreman agreed to change ${name} and did not: ${fields.join(', ')}`,
    { target: name, actions: [`Look at ${name} in Foreman: what of its hostgroup stands against it?`] },
  );
}
