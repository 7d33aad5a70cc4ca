import type { AdminPort, Json } from '@d3/sdk';
import { changeDocument } from '../documents.ts';
import type { Host } from '../types.ts';

/** Adds to what is known of a host; what others found out stays. */
export async function keepFacts(
  admin: Pick<AdminPort, 'documents'>,
  name: string,
  facts: { [name: string]: Json },
): Promise<void> {
  await changeDocument<Host>(admin.documents('host'), name, (host) => {
    const all = { ...host.facts, ...facts };
    return JSON.stringify(all) === JSON.stringify(host.facts) ? host : { ...host, facts: all };
  });
}
